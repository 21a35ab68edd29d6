from tests.postman.answer import JSON_TYPE, PROBLEM_TYPE, Answer
from tests.postman.request import ADMIN, OPERATOR, Folder, Request
from tests.postman.shapes import Shape

PATH = "/system/consistency/"
NOT_YET = f'["{PROBLEM_TYPE}", "consistency_not_known"]'
REPORT_OR_NOT_YET = (
    Answer((200, 404), None)
    .then(
        "const body = pm.response.json();",
        'const type = pm.response.headers.get("Content-Type").split(";")[0];',
    )
    .checked(
        "is the report, or says that there is none yet",
        "if (pm.response.code === 404) "
        f"return pm.expect([type, body.code]).to.eql({NOT_YET})",
        f'pm.expect(type).to.eql("{JSON_TYPE}")',
        f"pm.expect(body){Shape.CONSISTENCY.assertion}",
        f"body.findings.forEach((one) => pm.expect(one){Shape.FINDING.assertion})",
    )
)

CONSISTENCY = Folder(
    "Consistency",
    "Whether PostgreSQL, MongoDB, the bucket and the staging folder agree.",
    (
        Request(
            "The latest report",
            "GET",
            PATH,
            "404 on a system that is so new that nothing has been compared yet.",
            REPORT_OR_NOT_YET,
            caller=ADMIN,
        ),
        Request(
            "Refused: an operator looks inside",
            "GET",
            PATH,
            "The right `system.inspect` is missing.",
            Answer.problem(403, "right_missing"),
            caller=OPERATOR,
        ),
    ),
)
