"""The least an application can do, to see what is left for it: see `bench.breakdown`."""

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

BODY = b" " * int(os.environ["ANSWER_BYTES"])
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(BODY)).encode()),
    ],
}


async def application(
    scope: Mapping[str, Any],
    receive: Callable[[], Awaitable[Mapping[str, Any]]],
    send: Callable[[Mapping[str, Any]], Awaitable[None]],
) -> None:
    await send(START)
    await send({"type": "http.response.body", "body": BODY})
