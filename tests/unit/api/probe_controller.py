"""Operations that do what the tests ask for."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse

from backend.api.controller import Controller
from backend.api.http.handler import ApiRequest
from backend.api.http.routes import PUBLIC, SIGNED_IN, Access
from backend.api.schemas.text import RequestSchema, Text
from backend.domain.errors import EmailTaken, StorageFull
from backend.domain.rights import Right

RAISED: dict[str, Exception] = {
    "taken": EmailTaken(),
    "full": StorageFull(),
    "unforeseen": RuntimeError("secret of the house"),
}


class EchoIn(RequestSchema):
    title: Text
    number: float = 0
    tags: list[Text] = []


class ProbeController(Controller):
    tag = "probe"

    def __init__(self) -> None:
        super().__init__()
        create = Access.any_of(Right.MEDIA_CREATE)
        self.add("/probe/echo/", "POST", self.echo, access=PUBLIC)
        self.add("/probe/find/", "GET", self.find, access=PUBLIC)
        self.add("/probe/raise/{kind}/", "GET", self.fail, access=PUBLIC)
        self.add("/probe/items/{item}/", "GET", self.item, access=SIGNED_IN)
        self.add("/probe/typed/{any_uuid:item}/", "GET", self.typed, access=SIGNED_IN)
        self.add("/probe/me/", "GET", self.me, access=SIGNED_IN)
        self.add("/probe/create/", "POST", self.create, access=create)
        self.add("/probe/stream/", "POST", self.stream, access=create)

    async def echo(self, request: ApiRequest, payload: EchoIn) -> Any:
        return payload.model_dump()

    async def find(self, request: ApiRequest, title: Text, limit: int = 20) -> Any:
        return {"title": title, "limit": limit}

    async def fail(self, request: ApiRequest, kind: str) -> Any:
        raise RAISED[kind]

    async def item(self, request: ApiRequest, item: UUID) -> Any:
        return {"item": item}

    async def typed(self, request: ApiRequest, item: UUID) -> Any:
        return {"item": item}

    async def me(self, request: ApiRequest) -> Any:
        return {"email": request.auth.email}

    async def create(self, request: ApiRequest, payload: EchoIn) -> Any:
        return {"email": request.auth.email}

    async def stream(self, request: ApiRequest) -> HttpResponse:
        size, more = 0, True
        while more:
            message = await request.receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        return HttpResponse(str(size))
