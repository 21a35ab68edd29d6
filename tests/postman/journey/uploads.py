from tests.postman.answer import Answer, Until
from tests.postman.journey.files import BROKEN, CLIP, PICTURE, TEXT
from tests.postman.request import NOBODY, VIEWER, Folder, Form, Request
from tests.postman.shapes import Shape

LOCATION = 'pm.expect(pm.response.headers.get("Location"))'
INGESTED = Answer.json(201, 200, shape=Shape.INGESTED).checked(
    "is new at its Location, or a duplicate",
    "if (pm.response.code === 200) pm.expect(body.deduplicated).to.be.true",
    f"else {LOCATION}.to.eql(`/media/${{body.uuid}}/`)",
)
QUIET = 'Object.values(body.jobs).every((job) => !["queued", "running"].includes(job))'
SETTLED = f'["ready", "failed"].includes(body.status) && {QUIET}'

UPLOADS = Folder(
    "Upload",
    f"The files `{CLIP}`, `{PICTURE}`, `{BROKEN}` and `{TEXT}` come from Postman's working "
    "directory: `make postman` makes them in `build/postman/files/`.",
    (
        Request(
            "Upload a video with a miniature",
            "POST",
            "/media/",
            "201, or 200 if the operator has a media of the same bytes.",
            INGESTED.checked(
                "is the operator's",
                'pm.expect(body.owner).to.eql(pm.collectionVariables.get("uuid"))',
                f'pm.expect(body.file_name).to.eql("{CLIP}")',
                'pm.expect(body.media_type).to.eql("video/mp4")',
            ).keeping(media="body.uuid", sha256="body.sha256"),
            body=Form(
                {"title": "Clip {{run}}", "description": "Sent by Postman."},
                {"miniature": PICTURE, "video": CLIP},
            ),
        ),
        Request(
            "Wait until it is ready",
            "GET",
            "/media/{{media}}/",
            "Asks until the work on the upload is done.",
            Answer.json(200, shape=Shape.MEDIA),
            until=Until(f'body.status === "ready" && {QUIET}', "became ready"),
        ),
        Request(
            "Upload the same bytes again",
            "POST",
            "/media/",
            "With `sha256` before the video the answer comes before the bytes are read.",
            Answer.json(200, shape=Shape.INGESTED).checked(
                "is the media that is there",
                "pm.expect(body.deduplicated).to.be.true",
                'pm.expect(body.uuid).to.eql(pm.collectionVariables.get("media"))',
            ),
            body=Form({"sha256": "{{sha256}}"}, {"video": CLIP}),
        ),
        Request(
            "Upload a video that nobody can read",
            "POST",
            "/media/",
            "It begins like a video, so it is taken; extraction will find out.",
            INGESTED.keeping(broken="body.uuid"),
            body=Form({"title": "Broken {{run}}"}, {"video": BROKEN}),
        ),
        Request(
            "Wait until it has failed",
            "GET",
            "/media/{{broken}}/",
            "A failure names its code and what a person can do.",
            Answer.json(200, shape=Shape.MEDIA),
            until=Until(
                'body.status === "failed" && body.failure.code === "unreadable_media" '
                f"&& {QUIET}",
                "failed with a reason",
            ),
        ),
        Request(
            "Refused: no token",
            "POST",
            "/media/",
            "401 before the body is read.",
            Answer.problem(401, "not_authenticated"),
            caller=NOBODY,
            body=Form({}, {"video": CLIP}),
        ),
        Request(
            "Refused: a viewer uploads",
            "POST",
            "/media/",
            "The right `media.create` is missing.",
            Answer.problem(403, "right_missing"),
            caller=VIEWER,
            body=Form({}, {"video": CLIP}),
        ),
        Request(
            "Refused: other bytes than declared",
            "POST",
            "/media/",
            "The received bytes must have the declared sha256.",
            Answer.problem(422, "checksum_mismatch"),
            body=Form({"sha256": "0" * 64}, {"video": CLIP}),
        ),
        Request(
            "Refused: a text file as video",
            "POST",
            "/media/",
            "The first bytes decide, not the name.",
            Answer.problem(415, "unsupported_media"),
            body=Form({}, {"video": TEXT}),
        ),
        Request(
            "Refused: no video",
            "POST",
            "/media/",
            "The problem names the field.",
            Answer.problem(422, "invalid").checked(
                "names the field",
                'pm.expect(body.errors.map((error) => error.field)).to.include("video")',
            ),
            body=Form({"title": "Nothing {{run}}"}),
        ),
    ),
)
