"""JSON that must be refused."""

from tests.e2e.http.bad_inputs.asked import Asked
from tests.e2e.http.bad_inputs.row import (
    INVALID,
    JSON,
    LARGE,
    NOT_FAILED,
    SYNTAX,
    TYPE,
    Row,
)

RIGHT_KIND = b'{"kind": "upload_to_cdn"}'
BODIES = [
    Row("B15 an open brace", Asked.retry(b"{"), JSON),
    Row("B16 nothing", Asked.retry(b""), INVALID),
    Row("B17 a list", Asked.retry(b"[]"), INVALID),
    Row("B17 a string", Asked.retry(b'"upload_to_cdn"'), INVALID),
    Row("B17 null", Asked.retry(b"null"), INVALID),
    Row("B18 no UTF-8", Asked.retry(b'{"kind": "\xff"}'), JSON),
    Row("B18 UTF-16", Asked.retry(RIGHT_KIND.decode().encode("utf-16")), JSON),
    Row("B19 lists in lists", Asked.retry(b"[" * 100_000), JSON),
    Row("B19 objects in objects", Asked.retry(b'{"kind":' * 15_000), JSON),
    Row("B21 NaN", Asked.retry(b'{"kind": NaN}'), INVALID),
    Row("B21 Infinity", Asked.retry(b'{"kind": -Infinity}'), INVALID),
    Row("B22 NUL", Asked.retry(b'{"kind": "\\u0000"}'), INVALID, field="kind"),
    Row(
        "B22 NUL in an address",
        Asked.account("signup", email="a\0b@example.org"),
        INVALID,
        role="",
        field="email",
    ),
    Row("B22 NUL in a title", Asked.changed({"title": "a\0b"}), INVALID, field="title"),
    Row(
        "B22 NUL in a description",
        Asked.changed({"description": "\0"}),
        INVALID,
        field="description",
    ),
    Row("no UTF-8 in a search", Asked.searched("title=%ff"), SYNTAX),
    Row("half a character in a search", Asked.searched("title=%ed%a0%80"), SYNTAX),
    Row("B22 NUL in a search", Asked.searched("title=a%00b"), INVALID, field="title"),
    Row("B22 half a character", Asked.changed({"title": "\ud800"}), INVALID),
    Row("B24 three mebibytes", Asked.retry(b" " * 3 * 1024**2), LARGE),
    # The last wins: were it the first, these would be each other's answer.
    Row(
        "B25 the last is right",
        Asked.retry(b'{"kind": "x", "kind": "upload_to_cdn"}'),
        NOT_FAILED,
    ),
    Row(
        "B25 the last is wrong",
        Asked.retry(b'{"kind": "upload_to_cdn", "kind": "x"}'),
        INVALID,
        field="kind",
    ),
    Row(
        "B26 unknown field",
        Asked.retry(b'{"kind": "upload_to_cdn", "more": 1}'),
        INVALID,
        field="more",
    ),
    Row(
        "B27 text",
        Asked.sent(
            "POST", "/media/<own>/jobs/", RIGHT_KIND, content_type=b"text/plain"
        ),
        TYPE,
    ),
    Row(
        "B27 another charset",
        Asked.sent(
            "POST",
            "/media/<own>/jobs/",
            RIGHT_KIND,
            content_type=b"application/json; charset=utf-16",
        ),
        TYPE,
    ),
    Row("B11 gzip of JSON", Asked.retry(RIGHT_KIND, b"Content-Encoding: gzip"), TYPE),
]
