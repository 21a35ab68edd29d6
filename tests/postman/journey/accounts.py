from tests.postman.answer import Answer
from tests.postman.journey.signing_in import TOKENS, SigningIn
from tests.postman.request import ADMIN, NOBODY, Bearer, Folder, JsonBody, Request
from tests.postman.shapes import Shape

FIRST, SECOND = Bearer("first_access"), Bearer("second_access")


class Sessions:
    """Requests that show whether a session lives."""

    @staticmethod
    def lives(name: str, caller: Bearer) -> Request:
        return Request(
            name,
            "GET",
            "/auth/me/",
            "This session goes on.",
            Answer.json(200, shape=Shape.USER),
            caller=caller,
        )

    @staticmethod
    def is_dead(name: str, caller: Bearer) -> Request:
        return Request(
            name,
            "GET",
            "/auth/me/",
            "401 on the very next request, though the token has not expired.",
            Answer.problem(401, "invalid_token", "not_authenticated"),
            caller=caller,
        )

    @staticmethod
    def refresh(name: str, variable: str, about: str, answer: Answer) -> Request:
        body = JsonBody({"refresh": f"{{{{{variable}}}}}"})
        return Request(
            name, "POST", "/auth/refresh/", about, answer, caller=NOBODY, body=body
        )


OWN_ACCOUNT = Folder(
    "An account of one's own",
    "Sign-up, refresh, password and sign-out. The account ends with this run.",
    (
        Request(
            "Sign up",
            "POST",
            "/auth/signup/",
            "New sign-ups get the role viewer.",
            Answer.json(201, shape=Shape.USER)
            .checked(
                "is a viewer",
                'pm.expect(body.email).to.eql(pm.collectionVariables.get("new_email"))',
                'pm.expect(body.role).to.eql("viewer")',
            )
            .keeping(new_uuid="body.uuid"),
            caller=NOBODY,
            body=SigningIn.body("{{new_email}}", "{{new_password}}"),
            before=(
                'const run = pm.collectionVariables.get("run");',
                'pm.collectionVariables.set("new_email", `new-${run}@demo.example`);',
                'for (const name of ["new_password", "next_password"]) {',
                '    const password = pm.variables.replaceIn("{{$guid}}");',
                "    pm.collectionVariables.set(name, password);",
                "}",
            ),
        ),
        Request(
            "Refused: the e-mail is taken",
            "POST",
            "/auth/signup/",
            "409.",
            Answer.problem(409, "email_taken"),
            caller=NOBODY,
            body=SigningIn.body("{{new_email}}", "{{new_password}}"),
        ),
        Request(
            "Refused: a weak password",
            "POST",
            "/auth/signup/",
            "422 says what is wrong with it.",
            Answer.problem(422, "weak_password"),
            caller=NOBODY,
            body=SigningIn.body("weak-{{run}}@demo.example", "password"),
        ),
        SigningIn.request("First session", "new_", "first_access", "first_refresh"),
        Sessions.refresh(
            "Refresh",
            "first_refresh",
            "New tokens for the old refresh token, once.",
            TOKENS.checked(
                "has rotated",
                "pm.expect(body.refresh)"
                '.to.not.eql(pm.collectionVariables.get("first_refresh"))',
            ).keeping(first_access="body.access", next_refresh="body.refresh"),
        ),
        Sessions.lives("The new token works", FIRST),
        Sessions.refresh(
            "Refused: the old refresh token",
            "first_refresh",
            "A copied token was used: the whole session ends.",
            Answer.problem(401, "invalid_token"),
        ),
        Sessions.is_dead("The session is dead", FIRST),
        Sessions.refresh(
            "Refused: the refresh token of a dead session",
            "next_refresh",
            "It ended with its session.",
            Answer.problem(401, "invalid_token"),
        ),
        SigningIn.request("One more session", "new_", "first_access", "first_refresh"),
        SigningIn.request("And another", "new_", "second_access", "second_refresh"),
        Request(
            "Refused: the old password is wrong",
            "POST",
            "/auth/password/",
            "422, and nothing has changed.",
            Answer.problem(422, "wrong_password"),
            caller=SECOND,
            body=JsonBody({"old": "{{next_password}}", "new": "{{next_password}}"}),
        ),
        Request(
            "Change the password",
            "POST",
            "/auth/password/",
            "All other sessions die.",
            Answer.empty(204),
            caller=SECOND,
            body=JsonBody({"old": "{{new_password}}", "new": "{{next_password}}"}),
        ),
        Sessions.is_dead("The other session is dead", FIRST),
        Sessions.lives("This one is not", SECOND),
        Request(
            "Refused: the previous password",
            "POST",
            "/auth/signin/",
            "The same answer as for an unknown account.",
            Answer.problem(401, "bad_credentials"),
            caller=NOBODY,
            body=SigningIn.body("{{new_email}}", "{{new_password}}"),
        ),
        Request(
            "Sign in with the new password",
            "POST",
            "/auth/signin/",
            "A session beside the one that lives.",
            TOKENS.keeping(first_access="body.access", first_refresh="body.refresh"),
            caller=NOBODY,
            body=SigningIn.body("{{new_email}}", "{{next_password}}"),
        ),
        Request(
            "Sign out",
            "POST",
            "/auth/signout/",
            "Ends the session of the refresh token.",
            Answer.empty(204),
            caller=FIRST,
            body=JsonBody({"refresh": "{{first_refresh}}"}),
        ),
        Sessions.is_dead("The signed-out session is dead", FIRST),
        Sessions.refresh(
            "Refused: the refresh token of a signed-out session",
            "first_refresh",
            "It ended with its session.",
            Answer.problem(401, "invalid_token"),
        ),
        Sessions.lives("The other session goes on", SECOND),
        Request(
            "Sign out everywhere",
            "POST",
            "/auth/signout/all/",
            "Ends every session of the caller.",
            Answer.empty(204),
            caller=SECOND,
        ),
        Sessions.is_dead("Nobody is signed in", SECOND),
        Request(
            "Remove the account",
            "DELETE",
            "/users/{{new_uuid}}/",
            "By an admin; it owns nothing.",
            Answer.empty(204),
            caller=ADMIN,
        ),
    ),
)
