from tests.postman.answer import Answer, Until
from tests.postman.journey.files import CLIP, OTHER_PICTURE, TEXT
from tests.postman.journey.uploads import QUIET
from tests.postman.request import NOBODY, VIEWER, Folder, Form, Request
from tests.postman.shapes import Shape

UNKNOWN = "00000000-0000-4000-8000-000000000000"
MEDIA = Answer.json(200, shape=Shape.MEDIA)

ONE_MEDIA = Folder(
    "One media",
    "The description of a media, and how to fetch its bytes.",
    (
        Request(
            "Look at it",
            "GET",
            "/media/{{media}}/",
            "Everything about the media; `ETag` stands for its `revision`.",
            MEDIA.checked(
                "is technically described",
                'pm.expect(body.technical.video.codec).to.eql("AVC")',
                'pm.expect(body.technical.audio.codec).to.eql("AAC")',
                "pm.expect(body.duration).to.be.closeTo(2, 0.5)",
                "pm.expect(body.failure).to.be.null",
            )
            .checked(
                "has its addresses",
                "pm.expect(body.urls.video).to.match(/^https?:/)",
                "pm.expect(body.urls.miniature).to.eql(body.miniature_url)",
            )
            .has_header("ETag")
            .keeping(
                etag='pm.response.headers.get("ETag")',
                revision="body.revision",
                size="body.size",
                video_url="body.urls.video",
                miniature_url="body.miniature_url",
            ),
        ),
        Request(
            "Look again: nothing has changed",
            "GET",
            "/media/{{media}}/",
            "304 for a client that has it already.",
            Answer.empty(304).checked(
                "has the same ETag",
                'pm.expect(pm.response.headers.get("ETag"))'
                '.to.eql(pm.collectionVariables.get("etag"))',
            ),
            headers={"If-None-Match": "{{etag}}"},
        ),
        Request(
            "Fetch the video from the CDN origin",
            "GET",
            "{{video_url}}",
            "Anybody may, without a token.",
            Answer.other(200, "video/mp4").checked(
                "has as many bytes as the media says",
                "pm.expect(pm.response.stream.length)"
                '.to.eql(pm.collectionVariables.get("size"))',
            ),
            caller=NOBODY,
        ),
        Request(
            "Fetch the miniature",
            "GET",
            "{{miniature_url}}",
            "A picture without the metadata of the one that was sent.",
            Answer.other(200, "image/jpeg"),
            caller=NOBODY,
        ),
        Request(
            "Where to download it",
            "GET",
            "/media/{{media}}/download/",
            "307 to a URL that works for a short time.",
            Answer.empty(307)
            .has_header("Location")
            .keeping(download_url='pm.response.headers.get("Location")'),
            caller=VIEWER,
            follows_redirects=False,
        ),
        Request(
            "Download it",
            "GET",
            "{{download_url}}",
            "The bytes, under the name that the file had.",
            Answer.other(200, "video/mp4").checked(
                "has its name and all bytes",
                'pm.expect(pm.response.headers.get("Content-Disposition"))'
                f'.to.include("{CLIP}")',
                "pm.expect(pm.response.stream.length)"
                '.to.eql(pm.collectionVariables.get("size"))',
            ),
            caller=NOBODY,
        ),
        Request(
            "Metadata",
            "GET",
            "/media/{{media}}/metadata/",
            "The whole MediaInfo report.",
            Answer.json(200, shape=Shape.METADATA).checked(
                "is the report of these bytes",
                'pm.expect(body.media).to.eql(pm.collectionVariables.get("media"))',
                'pm.expect(body.sha256).to.eql(pm.collectionVariables.get("sha256"))',
                "pm.expect(body.tracks.map((track) => track.type))"
                '.to.include.members(["General", "Video", "Audio"])',
            ),
            caller=VIEWER,
        ),
        Request(
            "Refused: metadata that is not there",
            "GET",
            "/media/{{broken}}/metadata/",
            "A media whose extraction failed has none.",
            Answer.problem(404, "metadata_not_ready"),
        ),
        Request(
            "Replace the miniature",
            "PUT",
            "/media/{{media}}/miniature/",
            "202 with the job; the old miniature is shown until it has succeeded.",
            Answer.json(202, shape=Shape.JOB).checked(
                "is the job",
                'pm.expect(body.kind).to.eql("make_miniature")',
            ),
            body=Form({}, {"miniature": OTHER_PICTURE}),
        ),
        Request(
            "Wait until the miniature is another",
            "GET",
            "/media/{{media}}/",
            "The address changes, as keys are never used again.",
            MEDIA.keeping(etag='pm.response.headers.get("ETag")'),
            until=Until(
                "body.miniature_url !== "
                f'pm.collectionVariables.get("miniature_url") && {QUIET}',
                "shows another miniature",
            ),
        ),
        Request(
            "Refused: a text file as miniature",
            "PUT",
            "/media/{{media}}/miniature/",
            "JPEG, PNG or WebP, by content.",
            Answer.problem(415, "unsupported_media"),
            body=Form({}, {"miniature": TEXT}),
        ),
        Request(
            "Refused: a viewer replaces the miniature",
            "PUT",
            "/media/{{media}}/miniature/",
            "Viewers change nothing.",
            Answer.problem(403, "right_missing"),
            caller=VIEWER,
            body=Form({}, {"miniature": OTHER_PICTURE}),
        ),
        Request(
            "Refused: a media that is not there",
            "GET",
            f"/media/{UNKNOWN}/",
            "404 for unknown and deleted ones.",
            Answer.problem(404, "media_not_found"),
        ),
        Request(
            "Refused: a malformed uuid",
            "GET",
            "/media/not-a-uuid/",
            "404 too.",
            Answer.problem(404, "not_found"),
        ),
    ),
)
