from tests.postman.answer import Answer
from tests.postman.request import NOBODY, Folder, Request
from tests.postman.shapes import Shape

SYSTEM = Folder(
    "System",
    "What needs no account. The first request chooses the name of this run.",
    (
        Request(
            "Ping",
            "GET",
            "/ping/",
            "Touches nothing. An `X-Request-ID` that is sent comes back.",
            Answer.json(200, shape=Shape.PONG)
            .checked("says pong", 'pm.expect(body.message).to.eql("pong")')
            .header("X-Request-ID", "postman-ping"),
            caller=NOBODY,
            headers={"X-Request-ID": "postman-ping"},
            before=(
                "// Every run makes its own names, so that it can be sent again and again.",
                'pm.collectionVariables.set("run", Date.now().toString(36));',
                'pm.collectionVariables.set("tries", 0);',
            ),
        ),
        Request(
            "Version",
            "GET",
            "/version/",
            "The version of the product.",
            Answer.json(200, shape=Shape.VERSION).checked(
                "is a version", r"pm.expect(body.version).to.match(/^\d+\.\d+\.\d+/)"
            ),
            caller=NOBODY,
        ),
        Request(
            "Live",
            "GET",
            "/health/live/",
            "Whether the process answers.",
            Answer.json(200, shape=Shape.HEALTH).checked(
                "is ok", 'pm.expect(body.status).to.eql("ok")'
            ),
            caller=NOBODY,
        ),
        Request(
            "Ready",
            "GET",
            "/health/ready/",
            "Whether the stores answer, and how the background work goes.",
            Answer.json(200, shape=Shape.READY).checked(
                "every store answers",
                'pm.expect(Object.values(body.checks)).to.eql(Array(5).fill("ok"))',
            ),
            caller=NOBODY,
        ),
        Request(
            "Swagger UI",
            "GET",
            "/docs",
            "The page for people, from local files.",
            Answer.other(200, "text/html").checked(
                "is Swagger UI",
                'pm.expect(pm.response.text()).to.include("swagger-ui")',
            ),
            caller=NOBODY,
        ),
        Request(
            "OpenAPI document",
            "GET",
            "/openapi.json",
            "The same for programs.",
            Answer.other(200, "application/json").checked(
                "is OpenAPI 3.1",
                r"pm.expect(pm.response.json().openapi).to.match(/^3\.1/)",
            ),
            caller=NOBODY,
        ),
        Request(
            "Refused: a method that is not there",
            "DELETE",
            "/ping/",
            "405 names the methods that are.",
            Answer.problem(405, "method_not_allowed"),
            caller=NOBODY,
        ),
        Request(
            "Refused: a path that is not there",
            "GET",
            "/no-such-path/",
            "404, as problem+json like every refusal.",
            Answer.problem(404, "not_found"),
            caller=NOBODY,
        ),
    ),
)
