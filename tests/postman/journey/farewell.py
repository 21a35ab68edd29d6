from tests.postman.answer import Answer
from tests.postman.request import (
    ADMIN,
    OPERATOR,
    VIEWER,
    Bearer,
    Folder,
    JsonBody,
    Request,
)
from tests.postman.shapes import Shape

GONE = Answer.problem(404, "media_not_found")


class Farewell:
    """Requests that take away what the run has made."""

    @staticmethod
    def delete(name: str, variable: str, caller: Bearer = OPERATOR) -> Request:
        return Request(
            name,
            "DELETE",
            f"/media/{{{{{variable}}}}}/",
            "Gone for every reader when this is answered.",
            Answer.empty(204),
            caller=caller,
        )

    @staticmethod
    def gone(name: str, method: str, part: str = "") -> Request:
        path = f"/media/{{{{media}}}}/{part}"
        return Request(name, method, path, "404 on the very next request.", GONE)

    @staticmethod
    def sign_out(name: str, caller: Bearer, refresh: str) -> Request:
        return Request(
            name,
            "POST",
            "/auth/signout/",
            "Access and refresh token die.",
            Answer.empty(204),
            caller=caller,
            body=JsonBody({"refresh": f"{{{{{refresh}}}}}"}),
        )


FAREWELL = Folder(
    "Delete and sign out",
    "Deletes what this run has made, so that the collection can be sent again.",
    (
        Request(
            "Refused: a viewer deletes",
            "DELETE",
            "/media/{{media}}/",
            "The right is missing.",
            Answer.problem(403, "right_missing"),
            caller=VIEWER,
        ),
        Farewell.delete("Delete the video", "media"),
        Farewell.gone("It is gone", "GET"),
        Farewell.gone("Its jobs are gone", "GET", "jobs/"),
        Farewell.gone("Its metadata is gone", "GET", "metadata/"),
        Farewell.gone("Its download is gone", "GET", "download/"),
        Farewell.gone("It cannot be deleted twice", "DELETE"),
        Request(
            "It is not found either",
            "GET",
            "/search",
            "Searches forget it at once.",
            Answer.items(Shape.PAGE, of=Shape.SUMMARY).checked(
                "finds nothing", "pm.expect(body.items).to.eql([])"
            ),
            query={"title": "Café {{run}}"},
        ),
        Farewell.delete("Delete the broken video", "broken"),
        Farewell.delete("Delete the media that was handed over", "member_media", ADMIN),
        Farewell.sign_out("Sign the viewer out", VIEWER, "viewer_refresh"),
        Farewell.sign_out("Sign the operator out", OPERATOR, "refresh"),
        Request(
            "Refused: the token of a signed-out operator",
            "GET",
            "/media/",
            "401, though it has not expired.",
            Answer.problem(401, "invalid_token", "not_authenticated"),
        ),
        Farewell.sign_out("Sign the admin out", ADMIN, "admin_refresh"),
    ),
)
