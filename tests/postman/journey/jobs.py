from tests.postman.answer import Answer, Until
from tests.postman.journey.uploads import QUIET
from tests.postman.request import VIEWER, Folder, JsonBody, Request
from tests.postman.shapes import Shape

JOBS = Folder(
    "Jobs",
    "The background work, and retrying what failed.",
    (
        Request(
            "The jobs of the video",
            "GET",
            "/media/{{media}}/jobs/",
            "Newest first, each with its attempts.",
            Answer.items(Shape.LIST, of=Shape.JOB)
            .checked(
                "have all succeeded",
                "pm.expect(body.items.map((job) => job.kind)).to.include.members("
                '["upload_to_cdn", "extract_metadata", "make_miniature"])',
                'pm.expect(body.items.every((job) => job.status === "succeeded"))'
                ".to.be.true",
            )
            .checked(
                "lists each JobAttempt",
                "body.items.forEach((job) => job.attempts.forEach("
                f"(attempt) => pm.expect(attempt){Shape.ATTEMPT.assertion}))",
            ),
            caller=VIEWER,
        ),
        Request(
            "The jobs of the broken video",
            "GET",
            "/media/{{broken}}/jobs/",
            "The failure says what a person can do.",
            Answer.items(Shape.LIST, of=Shape.JOB).checked(
                "says why",
                "const job = body.items.find("
                '(one) => one.kind === "extract_metadata")',
                'pm.expect(job.failure.code).to.eql("unreadable_media")',
                "pm.expect(job.failure.advice).to.not.be.empty",
            ),
        ),
        Request(
            "Do it again",
            "POST",
            "/media/{{broken}}/jobs/",
            "A new job; the media is `processing` again with it.",
            Answer.json(202, shape=Shape.JOB)
            .checked(
                "is a new job",
                'pm.expect(body.kind).to.eql("extract_metadata")',
                'pm.expect(body.status).to.be.oneOf(["queued", "running", "failed"])',
            )
            .keeping(job="body.uuid"),
            body=JsonBody({"kind": "extract_metadata"}),
        ),
        Request(
            "Wait until it has failed again",
            "GET",
            "/media/{{broken}}/",
            "The bytes are as they were.",
            Answer.json(200, shape=Shape.MEDIA),
            until=Until(f'body.status === "failed" && {QUIET}', "failed again"),
        ),
        Request(
            "Both jobs stand in the history",
            "GET",
            "/media/{{broken}}/jobs/",
            "Nothing is forgotten.",
            Answer.items(Shape.LIST, of=Shape.JOB).checked(
                "lists the retry before the first try",
                "const extractions = body.items.filter("
                '(job) => job.kind === "extract_metadata")',
                "pm.expect(extractions.length).to.be.at.least(2)",
                'pm.expect(extractions[0].uuid).to.eql(pm.collectionVariables.get("job"))',
            ),
        ),
        Request(
            "Refused: nothing has failed",
            "POST",
            "/media/{{media}}/jobs/",
            "409, as the last one succeeded.",
            Answer.problem(409, "nothing_to_retry"),
            body=JsonBody({"kind": "extract_metadata"}),
        ),
        Request(
            "Refused: a kind of job that is not there",
            "POST",
            "/media/{{media}}/jobs/",
            "422 names the field.",
            Answer.problem(422, "invalid"),
            body=JsonBody({"kind": "make_coffee"}),
        ),
        Request(
            "Refused: a viewer has work done again",
            "POST",
            "/media/{{broken}}/jobs/",
            "The right is missing.",
            Answer.problem(403, "right_missing"),
            caller=VIEWER,
            body=JsonBody({"kind": "extract_metadata"}),
        ),
    ),
)
