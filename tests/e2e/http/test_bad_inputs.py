"""Requests that must be refused: a problem says why, and nothing is left of them.

The tables go through what has been sent to services like this one. "B" and a number is
a row of the catalogue that they come from; the other ids are ours.
"""

import time
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from backend.embedded.stack import EmbeddedStack
from tests.e2e.client import Origin
from tests.e2e.http.bad_inputs.accounts import ACCOUNTS
from tests.e2e.http.bad_inputs.asked import SESAME
from tests.e2e.http.bad_inputs.bodies import BODIES
from tests.e2e.http.bad_inputs.media import MEDIA
from tests.e2e.http.bad_inputs.row import Refusal, Row
from tests.e2e.http.bad_inputs.things import Things
from tests.e2e.http.bad_inputs.uploads import UPLOADS
from tests.e2e.http.test_odd_uploads import TAKEN
from tests.e2e.raw_upload import RawClient
from tests.e2e.remains import Remains, Rows
from tests.e2e.videos import Videos
from tests.raw_http import RawAnswer

PROBLEM = "application/problem+json"
ALL = (*UPLOADS, *BODIES, *MEDIA, *ACCOUNTS)

# The catalogue has these numbers; what it offers for choice is left out: an
# Idempotency-Key (62), quotas (64), tags (66), Range (87).
NUMBERS = {
    f"B{number}"
    for first, last in (
        *((1, 4), (6, 8), (11, 19), (21, 22), (24, 38), (40, 42), (44, 48)),
        *((50, 54), (56, 59), (61, 61), (63, 63), (65, 65), (67, 72), (74, 75)),
        *((77, 86), (88, 89), (91, 92), (94, 99), (101, 106)),
    )
    for number in range(first, last + 1)
}
# Rows that are more than one request, or no refusal.
ELSEWHERE = {
    "B13": "test_odd_uploads.py: a preflight opens nothing",
    "B14": "test_odd_uploads.py: a form on a GET",
    "B32": "test_odd_uploads.py: ten bytes declared",
    "B45": "test_odd_uploads.py: a truncated video",
    "B61": "test_odd_uploads.py: the same bytes again",
    "B63": "test_limited_uploads.py: slow clients",
    "B84": "test_deletion.py: while it is being processed",
    "B97": "test_sign_in_throttling.py",
    "B106": "test_docs.py: without docs",
}


@pytest.fixture(scope="module")
def things(
    stack: EmbeddedStack, database: psycopg.Connection[tuple[str]], videos: Videos
) -> Things:
    things = Things(stack, database, videos)
    things.make()
    return things


@pytest.fixture(scope="module")
def no_new_object(things: Things, stack: EmbeddedStack) -> Iterator[None]:
    """Looked at once: no object is made without a row, which each test looks for."""
    origin = Origin(stack.servers.environment())
    before = origin.keys("")
    yield
    assert origin.keys("") == before


@pytest.mark.usefixtures("no_new_object")
class TestBadInputs:
    # Long before a body of gigabytes could have been read.
    MOST_SECONDS = 10.0

    @pytest.mark.parametrize("row", ALL, ids=[row.id for row in ALL])
    def test_it_is_refused_and_nothing_is_left(
        self,
        stack: EmbeddedStack,
        things: Things,
        raw: RawClient,
        remains: Remains,
        rows: Rows,
        row: Row,
    ) -> None:
        upload, before = things.filled(row.upload), rows.all()
        began = time.monotonic()
        answer = raw.send(upload, row.role)
        assert time.monotonic() - began < self.MOST_SECONDS

        self._check_problem(answer, row)
        assert remains.added() == set()
        assert rows.all() == before
        ping = httpx.get(f"{stack.address}/ping/", trust_env=False)
        assert ping.json() == {"message": "pong"}

    @staticmethod
    def _check_problem(answer: RawAnswer, row: Row) -> None:
        problem = answer.json()
        assert Refusal(answer.status, problem["code"]) == row.refusal, problem
        assert (problem["status"], answer.headers["Content-Type"]) == (
            row.refusal.status,
            PROBLEM,
        )
        assert answer.headers["X-Request-ID"]
        # Whoever waits for "100 Continue" was told in time not to send the body.
        assert answer.interim == b""
        if row.field:
            assert [error["field"] for error in problem["errors"]] == [row.field]
        if answer.status == 401:
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert SESAME not in str(problem)


class TestTables:
    def test_every_row_of_the_catalogue_is_somewhere(self) -> None:
        taken = {row.id.partition(" ")[0] for row in TAKEN}
        refused = {row.number for row in ALL}
        assert NUMBERS - taken - refused == set(ELSEWHERE)

    def test_bad_credentials_look_the_same(
        self, things: Things, raw: RawClient
    ) -> None:
        answers = {
            raw.send(things.filled(row.upload), row.role).body
            for row in ALL
            if row.number == "B95"
        }
        assert len(answers) == 1
