from tests.postman.answer import Answer
from tests.postman.journey.signing_in import SigningIn
from tests.postman.request import (
    ADMIN,
    NOBODY,
    OPERATOR,
    VIEWER,
    Bearer,
    Folder,
    Request,
    TextBody,
)

SESSIONS = Folder(
    "Sign in",
    "One session of each demo role. The operator's token is that of the whole collection.",
    (
        SigningIn.request("Sign in as operator", "", "access", "refresh"),
        SigningIn.whoami("Who is the operator", "", "media_operator", OPERATOR),
        SigningIn.request(
            "Sign in as viewer", "viewer_", "viewer_access", "viewer_refresh"
        ),
        SigningIn.whoami("Who is the viewer", "viewer_", "viewer", VIEWER),
        SigningIn.request(
            "Sign in as admin", "admin_", "admin_access", "admin_refresh"
        ),
        SigningIn.whoami("Who is the admin", "admin_", "admin", ADMIN),
        Request(
            "Refused: nobody knows this account",
            "POST",
            "/auth/signin/",
            "The same answer as for a wrong password or an inactive account.",
            Answer.problem(401, "bad_credentials"),
            caller=NOBODY,
            body=SigningIn.body("nobody-{{run}}@demo.example", "{{$guid}}"),
        ),
        Request(
            "Refused: no token",
            "GET",
            "/media/",
            "401 says which scheme is wanted.",
            Answer.problem(401, "not_authenticated"),
            caller=NOBODY,
        ),
        Request(
            "Refused: a malformed token",
            "GET",
            "/auth/me/",
            "401 before anything else is checked.",
            Answer.problem(401, "invalid_token"),
            caller=Bearer("run"),
        ),
        Request(
            "Refused: a body that is no JSON by its type",
            "POST",
            "/auth/signin/",
            "415 for a wrong content type.",
            Answer.problem(415, "unsupported_type"),
            caller=NOBODY,
            headers={"Content-Type": "text/plain"},
            body=TextBody("email and password"),
        ),
        Request(
            "Refused: a body that is no JSON by its content",
            "POST",
            "/auth/signin/",
            "400 for broken syntax.",
            Answer.problem(400, "malformed_json"),
            caller=NOBODY,
            headers={"Content-Type": "application/json"},
            body=TextBody('{"email": '),
        ),
    ),
)
