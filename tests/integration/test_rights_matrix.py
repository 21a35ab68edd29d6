"""Every operation of the OpenAPI document and everybody who may ask for it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.hashers import make_password
from ninja_jwt.tokens import AccessToken

from backend.adapters.jwt_token_issuer import JwtTokenIssuer
from backend.api.api import Api
from backend.config.api_container import ApiContainer
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind, RetryPolicy
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Media, Role, Session, User
from backend.use_cases.ports import Freshness
from tests.accounts import PASSWORD, Accounts
from tests.api_in_process import ApiInProcess
from tests.fakes.clips import Clips
from tests.ledger_world import LedgerWorld
from tests.pictures import Pictures
from tests.rights_table import (
    ALL,
    OPERATIONS,
    SIGNED_IN,
    Operation,
    OperationNames,
    Subject,
)

SOMEBODY = "somebody"


@dataclass(frozen=True)
class Asker:
    """One column. Whoever is not admitted at all would be allowed everything."""

    name: str
    role: str = "admin"
    foreign: bool = True
    sends_token: bool = True
    expired: bool = False
    active: bool = True

    @property
    def known_role(self) -> str | None:
        signed_in = self.sends_token and self.active and not self.expired
        return self.role if signed_in else None

    def status(self, operation: Operation) -> int:
        return operation.status_for(self.known_role, foreign=self.foreign)

    def is_refused(self, operation: Operation) -> bool:
        return self.status(operation) != operation.status

    def is_refused_at_once(self, operation: Operation) -> bool:
        """Whose media it is can be asked before a form is read, but JSON is read first."""
        at_once = bool(operation.file) or self.status(operation) == 401
        own_too = operation.status_for(self.known_role, foreign=False)
        return self.is_refused(operation) and (at_once or own_too == 403)


ASKERS = (
    Asker("no_token", sends_token=False),
    Asker("expired_token", expired=True),
    Asker("inactive", active=False),
    Asker("viewer", "viewer", foreign=False),
    Asker("operator_on_own", "media_operator", foreign=False),
    Asker("operator_on_foreign", "media_operator"),
    Asker("admin"),
)


class Unread(httpx.AsyncByteStream):
    """A body that nobody can make sense of; tells whether somebody tried."""

    def __init__(self) -> None:
        self.was_read = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.was_read = True
        yield b"\xff{garbage"


class Cast:
    """The askers as accounts of the database."""

    def __init__(self, password_hash: str) -> None:
        self._password_hash = password_hash
        self._tokens = JwtTokenIssuer()

    @sync_to_async
    def arrive(self) -> None:
        for asker in ASKERS:
            self.user(asker.name, asker.role, is_active=asker.active)
        self.user(SOMEBODY, "media_operator")

    @staticmethod
    def email(name: str) -> str:
        return f"{name}@example.org"

    def user(self, name: str, role: str, *, is_active: bool = True) -> User:
        return User.objects.create(
            email=self.email(name),
            password=self._password_hash,
            role_id=role,
            is_active=is_active,
        )

    def session(self, name: str) -> tuple[Session, str]:
        """A new one, and its refresh token."""
        token = self._tokens.refresh(uuid4())
        session = Session.objects.create(
            uuid=token.session_id,
            user=User.objects.get(email=self.email(name)),
            refresh_digest=token.digest,
            expires_at=token.expires_at,
        )
        return session, token.text

    @sync_to_async
    def headers(self, asker: Asker) -> dict[str, str]:
        if not asker.sends_token:
            return {}
        session, _ = self.session(asker.name)
        access = self._tokens.access(session.user_id, session.uuid)
        if asker.expired:
            token = AccessToken(access)
            token.set_exp(lifetime=-timedelta(seconds=1))
            access = str(token)
        return {"Authorization": f"Bearer {access}"}


class Subjects:
    """What may be asked for: each request has things of its own."""

    def __init__(self, cast: Cast, world: LedgerWorld) -> None:
        self._cast = cast
        self._world = world

    async def of(self, asker: Asker, operation: Operation) -> Subject:
        owner = SOMEBODY if asker.foreign else asker.name
        media = await self._media(owner) if operation.about("media") else None
        return await self._described(asker, operation, media)

    @sync_to_async
    def _described(
        self, asker: Asker, operation: Operation, media: UUID | None
    ) -> Subject:
        about = asker.name if operation.rights == SIGNED_IN else SOMEBODY
        return Subject(
            email=self._cast.email(about),
            password=PASSWORD,
            refresh=self._cast.session(about)[1],
            new_name=f"new_{asker.name}",
            media=media,
            user=self._user() if operation.about("user") else None,
            role=self._role() if operation.about("role") else "",
        )

    def _user(self) -> UUID:
        return self._cast.user(uuid4().hex, "viewer").uuid

    @staticmethod
    def _role() -> str:
        return Role.objects.create(name=f"r{uuid4().hex}", rights=["media.read"]).name

    async def _media(self, owner: str) -> UUID:
        """One whose upload has failed and whose miniature is not being made.

        A viewer has one, too: he may have taken it in when he still could.
        """
        session, _ = await sync_to_async(self._cast.session)(SOMEBODY)
        media_id = await self._world.taken_in(session, uuid4().bytes)
        await self._world.close_miniature(media_id)
        claim = await self._world.claimed(media_id, JobKind.UPLOAD_TO_CDN)
        surprise = JobFailed(FailureCode.INTERNAL_ERROR, "a surprise")
        await self._world.ledger.fail(claim, surprise)
        new_owner = await User.objects.aget(email=self._cast.email(owner))
        await Media.objects.filter(pk=media_id).aupdate(owner=new_owner)
        return media_id


class Requests:
    """Makes requests and sends them; making one may write, sending only what it asks."""

    def __init__(self, http: httpx.AsyncClient, cast: Cast, subjects: Subjects) -> None:
        self._http = http
        self._cast = cast
        self._subjects = subjects

    async def right(self, asker: Asker, operation: Operation) -> httpx.Request:
        """It is right in everything."""
        subject = await self._subjects.of(asker, operation)
        content: dict[str, Any] = {}
        if operation.body:
            content["json"] = operation.body(subject)
        if operation.file:
            content["files"] = {operation.file: self._file(operation.file)}
        return await self._made(asker, operation, subject, content)

    async def wrong(
        self, asker: Asker, operation: Operation, body: Unread
    ) -> httpx.Request:
        """Nobody can make sense of it."""
        subject = await self._subjects.of(asker, operation)
        request = await self._made(asker, operation, subject, {"content": body})
        request.headers["Content-Type"] = "multipart/form-data; boundary=x"
        return request

    async def send(self, request: httpx.Request) -> httpx.Response:
        return await self._http.send(request)

    async def _made(
        self,
        asker: Asker,
        operation: Operation,
        subject: Subject,
        content: dict[str, Any],
    ) -> httpx.Request:
        headers = await self._cast.headers(asker)
        address = operation.address(subject)
        return self._http.build_request(
            operation.method, address, headers=headers, **content
        )

    @staticmethod
    def _file(kind: str) -> tuple[str, bytes]:
        if kind == "miniature":
            return "picture.png", Pictures.plain("PNG")
        return "clip.mp4", Clips.mp4(100) + uuid4().bytes


@pytest.fixture(scope="session")
def password_hash() -> str:
    return make_password(PASSWORD)


@pytest.fixture
async def requests(
    accounts: Accounts,
    database_threads: DatabaseThreads,
    freshness: Freshness,
    password_hash: str,
) -> AsyncIterator[Requests]:
    cast = Cast(password_hash)
    await cast.arrive()
    world = LedgerWorld(database_threads, freshness, RetryPolicy(most_failures=1))
    async with ApiInProcess.running() as http:
        yield Requests(http, cast, Subjects(cast, world))


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
class TestRightsMatrix:
    async def test_each_gets_what_the_table_says(
        self, requests: Requests, accounts: Accounts, operation: Operation
    ) -> None:
        await self.check_those_who_are_refused(requests, accounts, operation)
        for asker in (a for a in ASKERS if not a.is_refused(operation)):
            answer = await requests.send(await requests.right(asker, operation))
            assert answer.status_code == operation.status, (asker, answer.text)
            if operation.code:
                assert answer.json()["code"] == operation.code

    async def check_those_who_are_refused(
        self, requests: Requests, accounts: Accounts, operation: Operation
    ) -> None:
        """Whatever they send; nothing changes."""
        refused = [asker for asker in ASKERS if asker.is_refused(operation)]
        right = [(a, await requests.right(a, operation)) for a in refused]
        body = Unread()
        wrong = [
            (a, await requests.wrong(a, operation, body))
            for a in refused
            if a.is_refused_at_once(operation)
        ]
        before = await accounts.everything_stored()
        for asker, request in (*right, *wrong):
            self.check_refusal(await requests.send(request), asker, operation)
        assert await accounts.everything_stored() == before
        assert not body.was_read

    @staticmethod
    def check_refusal(
        answer: httpx.Response, asker: Asker, operation: Operation
    ) -> None:
        assert answer.status_code == asker.status(operation), (asker, answer.text)
        assert answer.headers["Content-Type"] == "application/problem+json"
        if answer.status_code == 401:
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            code = "invalid_token" if asker.sends_token else "not_authenticated"
        else:
            code = "right_missing"
        assert answer.json()["code"] == code


@pytest.fixture(scope="module")
def api() -> Api:
    return ApiContainer(settings.ENVIRONMENT).api


class TestTable:
    """It has a row for each operation that there is, and no other."""

    def test_it_names_the_operations_of_the_document(self, api: Api) -> None:
        named = {OperationNames.plain(operation.name) for operation in OPERATIONS}
        assert named == OperationNames.of_document(api.document.content)

    def test_what_the_document_hides_is_for_all_or_shown_without_its_last_slash(
        self, api: Api
    ) -> None:
        shown = OperationNames.of_document(api.document.content)
        for endpoint in api.endpoints:
            name = OperationNames.plain(f"{endpoint.methods[0]} {endpoint.path}")
            assert {name, name.removesuffix("/")} & shown or endpoint.access.public

    def test_twins_with_and_without_a_slash_are_for_the_same(self, api: Api) -> None:
        accesses = {(e.methods, e.path): e.access for e in api.endpoints}
        for (methods, path), access in accesses.items():
            assert accesses.get((methods, f"{path}/"), access) == access

    def test_operations_ask_for_exactly_these_rights(self, api: Api) -> None:
        """Which no role that is there from the start could tell apart."""
        asked = {
            OperationNames.plain(f"{e.methods[0]} {e.path}"): e.access
            for e in api.endpoints
        }
        for operation in OPERATIONS:
            access = asked[OperationNames.plain(operation.name)]
            assert access.public == (operation.rights == ALL)
            words = () if operation.rights in (ALL, SIGNED_IN) else operation.rights
            assert {right.value for right in access.rights} == set(words)
