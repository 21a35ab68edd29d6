from tests.postman.answer import Answer
from tests.postman.request import ADMIN, OPERATOR, Folder, JsonBody, Request
from tests.postman.shapes import Shape

NAME = "archivist_{{run}}"
PATH = f"/roles/{NAME}/"
ROLE = Answer.json(200, shape=Shape.ROLE)
OWN_NAME = (
    'pm.expect(body.name).to.eql(`archivist_${pm.collectionVariables.get("run")}`)'
)

ROLES = Folder(
    "Roles",
    "Named sets of rights: three are built in, an admin may add more.",
    (
        Request(
            "All roles",
            "GET",
            "/roles/",
            "With the rights of each.",
            Answer.items(Shape.LIST, of=Shape.ROLE).checked(
                "has the built-in ones",
                "const builtIn = body.items.filter((role) => role.built_in)",
                "pm.expect(builtIn.map((role) => role.name))"
                '.to.have.members(["admin", "media_operator", "viewer"])',
            ),
            caller=ADMIN,
        ),
        Request(
            "Add a role",
            "POST",
            "/roles/",
            "Of rights that the caller has.",
            Answer.json(201, shape=Shape.ROLE).checked(
                "is the new role",
                OWN_NAME,
                "pm.expect(body.built_in).to.be.false",
                'pm.expect(body.rights).to.have.members(["media.read"])',
            ),
            caller=ADMIN,
            body=JsonBody({"name": NAME, "rights": ["media.read"]}),
        ),
        Request(
            "Refused: the name is taken",
            "POST",
            "/roles/",
            "409, and the role is as it was.",
            Answer.problem(409, "role_name_taken"),
            caller=ADMIN,
            body=JsonBody({"name": NAME, "rights": []}),
        ),
        Request(
            "Look at the role",
            "GET",
            PATH,
            "By its name.",
            ROLE.checked("is that role", OWN_NAME),
            caller=ADMIN,
        ),
        Request(
            "Give it another right",
            "PATCH",
            PATH,
            "Holds for its users from the next request on.",
            ROLE.checked(
                "has both rights",
                'pm.expect(body.rights).to.have.members(["media.read", "job.read"])',
            ),
            caller=ADMIN,
            body=JsonBody({"rights": ["media.read", "job.read"]}),
        ),
        Request(
            "Refused: a right that is not there",
            "PATCH",
            PATH,
            "422, and the role is as it was.",
            Answer.problem(422, "invalid"),
            caller=ADMIN,
            body=JsonBody({"rights": ["media.paint"]}),
        ),
        Request(
            "Refused: a built-in role",
            "PATCH",
            "/roles/viewer/",
            "Built-in roles stay as they are.",
            Answer.problem(409, "role_built_in"),
            caller=ADMIN,
            body=JsonBody({"rights": ["media.read"]}),
        ),
        Request(
            "Refused: a role that is not there",
            "GET",
            "/roles/nobody_{{run}}/",
            "404.",
            Answer.problem(404, "role_not_found"),
            caller=ADMIN,
        ),
        Request(
            "Refused: an operator looks at roles",
            "GET",
            "/roles/",
            "The right `role.manage` is missing.",
            Answer.problem(403, "right_missing"),
            caller=OPERATOR,
        ),
    ),
)
