from tests.postman.answer import Answer
from tests.postman.journey.files import CLIP
from tests.postman.journey.media import UNKNOWN
from tests.postman.journey.roles import NAME, PATH
from tests.postman.journey.signing_in import SigningIn
from tests.postman.request import (
    ADMIN,
    OPERATOR,
    Bearer,
    Folder,
    Form,
    JsonBody,
    Request,
)
from tests.postman.shapes import Shape

MEMBER = Bearer("member_access")
USER = Answer.json(200, shape=Shape.USER)
PAGE = Answer.items(Shape.PAGE, of=Shape.USER)
MEMBER_PATH = "/users/{{member_uuid}}/"
IS_MEMBER = 'pm.expect(body.uuid).to.eql(pm.collectionVariables.get("member_uuid"))'

USERS = Folder(
    "Users",
    "An account from its first day to its last, as an admin sees it.",
    (
        Request(
            "Add a user",
            "POST",
            "/users/",
            "With the role of the chapter before.",
            Answer.json(201, shape=Shape.USER)
            .checked(
                "is the new user",
                'pm.expect(body.email).to.eql(pm.collectionVariables.get("member_email"))',
                'pm.expect(body.rights).to.have.members(["media.read", "job.read"])',
                "pm.expect(body.is_active).to.be.true",
            )
            .keeping(member_uuid="body.uuid"),
            caller=ADMIN,
            body=JsonBody(
                {
                    "email": "{{member_email}}",
                    "password": "{{member_password}}",
                    "role": NAME,
                }
            ),
            before=(
                'const run = pm.collectionVariables.get("run");',
                'pm.collectionVariables.set("member_email", `member-${run}@demo.example`);',
                "// Nobody has to know it: the account ends with this run.",
                'const password = pm.variables.replaceIn("{{$guid}}");',
                'pm.collectionVariables.set("member_password", password);',
            ),
        ),
        Request(
            "Refused: the e-mail is taken",
            "POST",
            "/users/",
            "Capital letters make no other address.",
            Answer.problem(409, "email_taken"),
            caller=ADMIN,
            body=JsonBody(
                {
                    "email": "MEMBER-{{run}}@demo.example",
                    "password": "{{$guid}}",
                    "role": "viewer",
                }
            ),
        ),
        Request(
            "Refused: a weak password",
            "POST",
            "/users/",
            "As for sign-up.",
            Answer.problem(422, "weak_password"),
            caller=ADMIN,
            body=JsonBody(
                {
                    "email": "weak-{{run}}@demo.example",
                    "password": "password",
                    "role": "viewer",
                }
            ),
        ),
        Request(
            "All users",
            "GET",
            "/users/",
            "Page by page, like media.",
            PAGE.checked(
                "is one page",
                "pm.expect(body.items.length).to.be.within(1, 2)",
                "pm.expect(body.total).to.be.at.least(4)",
            ),
            caller=ADMIN,
            query={"limit": "2"},
        ),
        Request(
            "Find the user",
            "GET",
            "/users/",
            "By part of the e-mail, role and state.",
            PAGE.checked(
                "finds one",
                "pm.expect(body.items.map((user) => user.uuid))"
                '.to.eql([pm.collectionVariables.get("member_uuid")])',
                "pm.expect(body.total).to.eql(1)",
            ),
            caller=ADMIN,
            query={"search": "member-{{run}}", "role": NAME, "is_active": "true"},
        ),
        Request(
            "Look at the user",
            "GET",
            MEMBER_PATH,
            "By uuid.",
            USER.checked("is that user", IS_MEMBER),
            caller=ADMIN,
        ),
        SigningIn.request(
            "Sign in as the user", "member_", "member_access", "member_refresh"
        ),
        Request(
            "Refused: the user has no right to upload yet",
            "POST",
            "/media/",
            "Its role holds reading only.",
            Answer.problem(403, "right_missing"),
            caller=MEMBER,
            body=Form({}, {"video": CLIP}),
        ),
        Request(
            "Refused: the role is in use",
            "DELETE",
            PATH,
            "409 while a user has it.",
            Answer.problem(409, "role_in_use"),
            caller=ADMIN,
        ),
        Request(
            "Promote the user",
            "PATCH",
            MEMBER_PATH,
            "Holds from the next request on, with the same token.",
            USER.checked(
                "is an operator", 'pm.expect(body.role).to.eql("media_operator")'
            ),
            caller=ADMIN,
            body=JsonBody({"role": "media_operator"}),
        ),
        Request(
            "Remove the role",
            "DELETE",
            PATH,
            "Nobody has it any more.",
            Answer.empty(204),
            caller=ADMIN,
        ),
        Request(
            "The role is gone",
            "GET",
            PATH,
            "404 at once.",
            Answer.problem(404, "role_not_found"),
            caller=ADMIN,
        ),
        Request(
            "The user uploads the bytes of another",
            "POST",
            "/media/",
            "201: a media of its own on the same stored bytes.",
            Answer.json(201, shape=Shape.INGESTED)
            .checked(
                "is another media of the same bytes",
                "pm.expect(body.deduplicated).to.be.true",
                'pm.expect(body.sha256).to.eql(pm.collectionVariables.get("sha256"))',
                'pm.expect(body.uuid).to.not.eql(pm.collectionVariables.get("media"))',
            )
            .keeping(member_media="body.uuid"),
            caller=MEMBER,
            body=Form({"title": "Of the member {{run}}"}, {"video": CLIP}),
        ),
        Request(
            "Refused: the user deletes the media of another",
            "DELETE",
            "/media/{{media}}/",
            "The right `media.delete_any` is missing.",
            Answer.problem(403, "right_missing"),
            caller=MEMBER,
        ),
        Request(
            "Demote the user",
            "PATCH",
            MEMBER_PATH,
            "Holds from the next request on.",
            USER.checked("is a viewer", 'pm.expect(body.role).to.eql("viewer")'),
            caller=ADMIN,
            body=JsonBody({"role": "viewer"}),
        ),
        Request(
            "Refused: the right is gone",
            "DELETE",
            "/media/{{member_media}}/",
            "403 on the very next request.",
            Answer.problem(403, "right_missing"),
            caller=MEMBER,
        ),
        Request(
            "Deactivate the user",
            "PATCH",
            MEMBER_PATH,
            "Its tokens die with it.",
            USER.checked("is inactive", "pm.expect(body.is_active).to.be.false"),
            caller=ADMIN,
            body=JsonBody({"is_active": False}),
        ),
        Request(
            "Refused: the token of an inactive user",
            "GET",
            "/auth/me/",
            "401 on the very next request.",
            Answer.problem(401, "invalid_token", "not_authenticated"),
            caller=MEMBER,
        ),
        Request(
            "Refused: the user owns media",
            "DELETE",
            MEMBER_PATH,
            "409: name the new owner first.",
            Answer.problem(409, "user_owns_media"),
            caller=ADMIN,
        ),
        Request(
            "Refused: the receiver has these bytes already",
            "DELETE",
            MEMBER_PATH,
            "409 names the receiver's media.",
            Answer.problem(409, "duplicate_media").checked(
                "names that media",
                'pm.expect(body.media).to.eql(pm.collectionVariables.get("media"))',
            ),
            caller=ADMIN,
            query={"transfer_to": "{{uuid}}"},
        ),
        Request(
            "Remove the user, and keep the media",
            "DELETE",
            MEMBER_PATH,
            "They become the admin's.",
            Answer.empty(204),
            caller=ADMIN,
            query={"transfer_to": "{{admin_uuid}}"},
        ),
        Request(
            "The user is gone",
            "GET",
            MEMBER_PATH,
            "404 at once.",
            Answer.problem(404, "user_not_found"),
            caller=ADMIN,
        ),
        Request(
            "The media is the admin's",
            "GET",
            "/media/{{member_media}}/",
            "As it was, with another owner.",
            Answer.json(200, shape=Shape.MEDIA).checked(
                "has another owner",
                'pm.expect(body.owner).to.eql(pm.collectionVariables.get("admin_uuid"))',
            ),
            caller=ADMIN,
        ),
        Request(
            "Refused: a user that is not there",
            "PATCH",
            f"/users/{UNKNOWN}/",
            "404.",
            Answer.problem(404, "user_not_found"),
            caller=ADMIN,
            body=JsonBody({"is_active": False}),
        ),
        Request(
            "Refused: an operator looks at users",
            "GET",
            "/users/",
            "The right `user.manage` is missing.",
            Answer.problem(403, "right_missing"),
            caller=OPERATOR,
        ),
    ),
)
