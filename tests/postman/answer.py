"""What a request expects: assertions in JavaScript, which Postman runs after it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from tests.postman.shapes import Shape

JSON_TYPE = "application/json"
PROBLEM_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Answer:
    """Statuses, content type and body of an answer, and what is kept of it in variables."""

    statuses: tuple[int, ...]
    media_type: str | None
    lines: tuple[str, ...] = ()

    @classmethod
    def json(cls, *statuses: int, shape: Shape) -> Self:
        is_of_shape = f"pm.expect(body){shape.assertion}"
        answer = cls(statuses, JSON_TYPE, ("const body = pm.response.json();",))
        return answer.checked(f"is a {shape.title}", is_of_shape)

    @classmethod
    def items(cls, shape: Shape, of: Shape) -> Self:
        answer = cls.json(200, shape=shape)
        each = f"body.items.forEach((item) => pm.expect(item){of.assertion})"
        return answer.checked(f"lists each {of.title}", each)

    @classmethod
    def empty(cls, status: int) -> Self:
        answer = cls((status,), None)
        return answer.checked("has no body", 'pm.expect(pm.response.text()).to.eql("")')

    @classmethod
    def other(cls, status: int, media_type: str) -> Self:
        return cls((status,), media_type)

    @classmethod
    def problem(cls, status: int, *codes: str) -> Self:
        """A refusal as RFC 9457 says, with one of these codes."""
        answer = cls((status,), PROBLEM_TYPE, ("const body = pm.response.json();",))
        members = '"type", "title", "status", "detail", "code", "instance", "errors"'
        answer = answer.checked(
            "is a Problem", f"pm.expect(body).to.include.all.keys({members})"
        )
        answer = answer.checked(
            f"is {' or '.join(codes)}",
            f"pm.expect(body.code).to.be.oneOf({json.dumps(codes)})",
        ).checked(
            "agrees with its status and code",
            f"pm.expect([body.status, body.type]).to.eql([{status}, "
            "`/errors/${body.code}`])",
        )
        return answer._with_header_of(status)

    def _with_header_of(self, status: int) -> Self:
        """What HTTP demands beside some statuses."""
        match status:
            case 401:
                return self.header("WWW-Authenticate", "Bearer")
            case 405:
                return self.has_header("Allow")
        return self

    def checked(self, name: str, *steps: str) -> Self:
        """One assertion more, of one or more steps of JavaScript."""
        head = f"pm.test({json.dumps(name, ensure_ascii=False)}, () =>"
        if len(steps) == 1:
            return self.then(f"{head} {steps[0]});")
        return self.then(f"{head} {{", *(f"    {step};" for step in steps), "});")

    def header(self, name: str, value: str) -> Self:
        given = f'pm.response.headers.get("{name}")'
        return self.checked(
            f"says {name}", f"pm.expect({given}).to.eql({json.dumps(value)})"
        )

    def has_header(self, name: str) -> Self:
        return self.checked(
            f"has the header {name}", f'pm.response.to.have.header("{name}")'
        )

    def keeping(self, **variables: str) -> Self:
        """Keep JavaScript values under these names for later requests."""
        return self.then(
            *(
                f'pm.collectionVariables.set("{name}", {value});'
                for name, value in variables.items()
            )
        )

    def then(self, *lines: str) -> Self:
        return replace(self, lines=(*self.lines, *lines))

    @property
    def script(self) -> list[str]:
        return [*self._first_test(), *self.lines]

    def _first_test(self) -> list[str]:
        statuses = " or ".join(map(str, self.statuses))
        code = f"pm.expect(pm.response.code).to.be.oneOf({list(self.statuses)});"
        if self.media_type is None:
            return [f'pm.test("answers {statuses}", () => {code[:-1]});']
        given = 'pm.response.headers.get("Content-Type")'
        return [
            f'pm.test("answers {statuses} as {self.media_type}", () => {{',
            f"    {code}",
            f'    pm.expect({given}.split(";")[0]).to.eql("{self.media_type}");',
            "});",
        ]


@dataclass(frozen=True, slots=True)
class Until:
    """Sends the same request again, twice a second, until a condition holds."""

    condition: str
    says: str
    MOST_TRIES: int = field(default=120, init=False)

    PAUSE: Sequence[str] = field(
        default=(
            "// The second try and later ones wait half a second.",
            'if (Number(pm.collectionVariables.get("tries")) > 0) setTimeout(() => {}, 500);',
        ),
        init=False,
    )

    def extend(self, answer: Answer) -> Answer:
        return answer.then(
            f"const done = {self.condition};",
            'const tries = Number(pm.collectionVariables.get("tries")) + 1;',
            f"if (!done && tries < {self.MOST_TRIES}) {{",
            '    pm.collectionVariables.set("tries", tries);',
            "    pm.execution.setNextRequest(pm.info.requestId);",
            "} else {",
            '    pm.collectionVariables.set("tries", 0);',
            f'    pm.test("{self.says}", () => pm.expect(done).to.be.true);',
            "}",
        )
