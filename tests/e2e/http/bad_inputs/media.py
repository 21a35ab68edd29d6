"""Requests about media that must be refused."""

from collections.abc import Iterator

from tests.e2e.http.bad_inputs.asked import Asked
from tests.e2e.http.bad_inputs.bodies import RIGHT_KIND
from tests.e2e.http.bad_inputs.row import (
    CHANGED,
    INVALID,
    METHOD,
    NO_MEDIA,
    NO_METADATA,
    NO_PATH,
    NOT_FAILED,
    RIGHT,
    Row,
)
from tests.e2e.raw_upload import RawUpload


class Media:
    """What is asked of one media."""

    OPERATIONS = (
        ("GET", ""),
        ("DELETE", ""),
        ("PUT", "miniature/"),
        ("GET", "download/"),
        ("GET", "metadata/"),
        ("GET", "jobs/"),
        ("POST", "jobs/"),
        ("PATCH", ""),
    )
    BODIES = {"POST": {"kind": "upload_to_cdn"}, "PATCH": {"title": "New"}}
    # An integer, something longer, a path, and what Python would take for a uuid.
    NO_UUIDS = ("7", "<own>x", "%2e%2e", "{<own>}", "urn:uuid:<own>")

    @classmethod
    def asked(cls, method: str, media: str, part: str) -> RawUpload:
        path = f"/media/{media}/{part}"
        if body := cls.BODIES.get(method):
            return Asked.said(method, path, body)
        return Asked.bare(method, path)

    @classmethod
    def rows(cls) -> Iterator[Row]:
        for method, part in cls.OPERATIONS:
            for media, refusal in (
                ("no-uuid", NO_PATH),
                ("<nobodys>", NO_MEDIA),
                ("<deleted>", NO_MEDIA),
            ):
                number = "B67" if refusal is NO_PATH else "B68"
                sent = cls.asked(method, media, part)
                yield Row(f"{number} {method} {media} {part}", sent, refusal)
        for media in cls.NO_UUIDS:
            yield Row(f"B67 {media}", Asked.get(f"/media/{media}/"), NO_PATH)

    @classmethod
    def of_others(cls) -> Iterator[Row]:
        for method, part in cls.OPERATIONS:
            if method != "GET":
                for role, media in (("viewer", "own"), ("media_operator", "admins")):
                    sent = cls.asked(method, f"<{media}>", part)
                    name = f"B82 {method} {part} {media} by {role}"
                    yield Row(name, sent, RIGHT, role=role)


class Queries:
    """Parameters of lists that do not exist, or not with these values."""

    @staticmethod
    def rows() -> Iterator[Row]:
        for limit in ("0", "-1", "101", f"1{'0' * 30}", "abc", "1.5", "", "%00"):
            for target in ("/media/?limit=", "/search?title=a&limit="):
                sent = Asked.get(target + limit)
                yield Row(f"B69 {target}{limit}", sent, INVALID, field="limit")
        for query in (
            *("offset=-1", f"offset={2**63}", f"offset=1{'0' * 30}"),
            *("order_by=owner__password", "ordering=owner__password"),
            *("ordering=?", "ordering=-__class__", "ordering="),
        ):
            number = "B70" if query.startswith("offset") else "B72"
            name = query.partition("=")[0]
            yield Row(f"{number} {query}", Asked.listed(query), INVALID, field=name)
        for query, name in (
            ("_connector=OR", "_connector"),
            ("owner__is_superuser=1", "owner__is_superuser"),
            ("password__startswith=a", "password__startswith"),
            ("duration[$gt]=1", "duration[$gt]"),
            ("q[]=x", "q[]"),
            ("status[$ne]=ready", "status[$ne]"),
        ):
            number = "B77" if "[" in query else "B78"
            yield Row(f"{number} {query}", Asked.listed(query), INVALID, field=name)


CURSORS = [
    Row("B71 changed", Asked.listed("cursor=x<cursor>"), INVALID, field="cursor"),
    Row("B71 longer", Asked.listed("cursor=<cursor>A"), INVALID, field="cursor"),
    Row("B71 invented", Asked.listed("cursor=AAAA"), INVALID, field="cursor"),
    Row("B71 empty", Asked.listed("cursor="), INVALID, field="cursor"),
    Row("B71 endless", Asked.listed(f"cursor={'A' * 5_000}"), INVALID, field="cursor"),
    Row(
        "B71 of another order", Asked.listed("ordering=title&cursor=<cursor>"), INVALID
    ),
    Row("B71 of a list", Asked.searched("title=a&cursor=<cursor>"), INVALID),
]
FILTERS = [
    Row("B74 no time", Asked.listed("created_after=yesterday"), INVALID),
    Row(
        "B74 no such year", Asked.listed("created_after=99999-01-01T00:00:00Z"), INVALID
    ),
    Row(
        "B74 ends before it begins",
        Asked.listed(
            "created_after=2026-02-01T00:00:00Z&created_before=2026-01-01T00:00:00Z"
        ),
        INVALID,
    ),
    Row("B74 no such day", Asked.listed("created_after=2026-02-30T00:00:00Z"), INVALID),
    Row("B74 duration", Asked.listed("min_duration=NaN"), INVALID),
    Row("B74 durations", Asked.listed("min_duration=2&max_duration=1"), INVALID),
    Row("B74 status", Asked.listed("status=deleting"), INVALID, field="status"),
    Row("B74 owner", Asked.listed("owner=ann"), INVALID, field="owner"),
    Row("B74 checksum", Asked.listed("sha256=0"), INVALID, field="sha256"),
    Row("B75 10,000", Asked.searched(f"title={'a' * 10_000}"), INVALID, field="title"),
    Row("B75 only wildcards", Asked.searched("title=%25_%25"), INVALID, field="title"),
    Row("B75 nothing", Asked.searched("title="), INVALID, field="title"),
    Row("B75 no title", Asked.get("/search"), INVALID, field="title"),
    Row(
        "B77 a filter as a kind",
        Asked.retry(b'{"kind": {"$where": "1"}}'),
        INVALID,
        field="kind",
    ),
]
UNCHANGEABLE = ("id", "uuid", "status", "sha256", "owner", "cdn_url", "created_at")
CHANGES = [
    *(
        Row(f"B79 {name}", Asked.changed({name: "x"}), INVALID, field=name)
        for name in UNCHANGEABLE
    ),
    Row("B80 null", Asked.changed({"title": None}), INVALID, field="title"),
    Row("B65 changed to nothing", Asked.changed({"title": ""}), INVALID, field="title"),
    Row(
        "B65 to 10,000", Asked.changed({"title": "x" * 10_000}), INVALID, field="title"
    ),
    Row(
        "B65 to the unseen", Asked.changed({"title": "\u200b"}), INVALID, field="title"
    ),
    Row("B81 stale", Asked.changed({"title": "a"}, b'If-Match: "0"'), CHANGED),
    Row("B83 again", Asked.bare("DELETE", "/media/<deleted>/"), NO_MEDIA),
    Row("B85 nothing failed", Asked.retry(RIGHT_KIND), NOT_FAILED),
    Row("B86 metadata", Asked.get("/media/<unreadable>/metadata/"), NO_METADATA),
    Row("B2 another method", Asked.bare("DELETE", "/media/"), METHOD),
]

MEDIA = [
    *Media.rows(),
    *Queries.rows(),
    *CURSORS,
    *FILTERS,
    *Media.of_others(),
    *CHANGES,
]
