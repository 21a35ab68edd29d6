"""Signing in, which several chapters do."""

from tests.postman.answer import Answer
from tests.postman.request import NOBODY, Bearer, JsonBody, Request
from tests.postman.shapes import Shape

TOKENS = Answer.json(200, shape=Shape.TOKENS).checked(
    "gives a token for a while",
    'pm.expect(body.token_type).to.eql("Bearer")',
    "pm.expect(body.expires_in).to.be.above(0)",
)


class SigningIn:
    """Requests of `POST /auth/signin/`; e-mail and password come from variables."""

    @staticmethod
    def request(name: str, who: str, access: str, refresh: str) -> Request:
        """`who` is the start of the names of the two variables."""
        return Request(
            name,
            "POST",
            "/auth/signin/",
            f"Keeps the tokens in `{access}` and `{refresh}`.",
            TOKENS.keeping(**{access: "body.access", refresh: "body.refresh"}),
            caller=NOBODY,
            body=SigningIn.body(f"{{{{{who}email}}}}", f"{{{{{who}password}}}}"),
        )

    @staticmethod
    def body(email: str, password: str) -> JsonBody:
        return JsonBody({"email": email, "password": password})

    @staticmethod
    def whoami(name: str, who: str, role: str, caller: Bearer) -> Request:
        return Request(
            name,
            "GET",
            "/auth/me/",
            f"Who is signed in, and what the role {role} may do.",
            Answer.json(200, shape=Shape.USER)
            .checked(
                "is the one who signed in",
                f'pm.expect(body.email).to.eql(pm.variables.get("{who}email"))',
                f'pm.expect(body.role).to.eql("{role}")',
                "pm.expect(body.is_active).to.be.true",
            )
            .keeping(**{f"{who}uuid": "body.uuid"}),
            caller=caller,
        )
