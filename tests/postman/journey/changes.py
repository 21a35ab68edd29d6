from tests.postman.answer import Answer
from tests.postman.request import VIEWER, Folder, JsonBody, Request
from tests.postman.shapes import Shape

TITLE = "Café am Markt {{run}}"

CHANGES = Folder(
    "Change it",
    "`If-Match` keeps clients from overwriting changes they have not seen.",
    (
        Request(
            "Rename it, as it was seen",
            "PATCH",
            "/media/{{media}}/",
            "Works because the media still has that `ETag`.",
            Answer.json(200, shape=Shape.MEDIA)
            .checked(
                "has the new title and a higher revision",
                "pm.expect(body.title)"
                '.to.eql(`Café am Markt ${pm.collectionVariables.get("run")}`)',
                "pm.expect(body.revision)"
                '.to.be.above(Number(pm.collectionVariables.get("revision")))',
            )
            .checked(
                "has another ETag",
                'pm.expect(pm.response.headers.get("ETag"))'
                '.to.not.eql(pm.collectionVariables.get("etag"))',
            ),
            headers={"If-Match": "{{etag}}"},
            body=JsonBody({"title": TITLE}),
        ),
        Request(
            "Refused: it has changed meanwhile",
            "PATCH",
            "/media/{{media}}/",
            "412, because that `ETag` is older than the change.",
            Answer.problem(412, "revision_mismatch"),
            headers={"If-Match": "{{etag}}"},
            body=JsonBody({"title": "Too late {{run}}"}),
        ),
        Request(
            "Describe it, whatever it is now",
            "PATCH",
            "/media/{{media}}/",
            "Without `If-Match`; fields that are not sent stay.",
            Answer.json(200, shape=Shape.MEDIA).checked(
                "changes what was named only",
                'pm.expect(body.description).to.eql("Seen by Postman.")',
                'pm.expect(body.title).to.include("Café am Markt")',
            ),
            body=JsonBody({"description": "Seen by Postman."}),
        ),
        Request(
            "Everybody sees the change",
            "GET",
            "/media/{{media}}/",
            "On the next request of any user.",
            Answer.json(200, shape=Shape.MEDIA).checked(
                "is as it was changed",
                'pm.expect(body.description).to.eql("Seen by Postman.")',
                'pm.expect(body.title).to.include("Café am Markt")',
            ),
            caller=VIEWER,
        ),
        Request(
            "Refused: a field that is not there",
            "PATCH",
            "/media/{{media}}/",
            "Unknown fields are refused by name.",
            Answer.problem(422, "invalid").checked(
                "names the field",
                'pm.expect(body.errors.map((error) => error.field)).to.include("status")',
            ),
            body=JsonBody({"status": "ready"}),
        ),
        Request(
            "Refused: a viewer changes it",
            "PATCH",
            "/media/{{media}}/",
            "The right is missing.",
            Answer.problem(403, "right_missing"),
            caller=VIEWER,
            body=JsonBody({"title": "Mine {{run}}"}),
        ),
    ),
)
