from collections.abc import Mapping

from tests.postman.answer import Answer
from tests.postman.request import VIEWER, Folder, Request
from tests.postman.shapes import Shape

PAGE = Answer.items(Shape.PAGE, of=Shape.SUMMARY)
UUIDS = "pm.expect(body.items.map((item) => item.uuid))"
OURS = 'pm.collectionVariables.get("media")'


class Pages:
    """Requests that answer a page of media."""

    @staticmethod
    def listed(name: str, query: Mapping[str, str], about: str, *steps: str) -> Request:
        answer = PAGE.checked("lists what was asked for", *steps)
        return Request(name, "GET", "/media/", about, answer, query=query)

    @staticmethod
    def found(name: str, path: str, title: str, about: str, *steps: str) -> Request:
        answer = PAGE.checked("finds what was looked for", *steps)
        query = {"title": title}
        return Request(name, "GET", path, about, answer, caller=VIEWER, query=query)

    @staticmethod
    def refused(name: str, query: Mapping[str, str], about: str) -> Request:
        field = next(iter(query))
        answer = Answer.problem(422, "invalid").checked(
            "names the parameter",
            f'pm.expect(body.errors.map((error) => error.field)).to.include("{field}")',
        )
        return Request(name, "GET", "/media/", about, answer, query=query)


LISTS = Folder(
    "List and search",
    "Pages are followed with `next`; a search folds case and accents.",
    (
        Request(
            "The newest media",
            "GET",
            "/media/",
            "The first page of one.",
            PAGE.checked(
                "is a page of one, and there are more",
                "pm.expect(body.items).to.have.lengthOf(1)",
                "pm.expect(body.total).to.be.at.least(2)",
                "pm.expect(body.next).to.be.a('string')",
            ).keeping(newest="body.items[0].uuid", cursor="body.next"),
            query={"limit": "1"},
        ),
        Request(
            "The next page",
            "GET",
            "/media/",
            "`next` of a page is the `cursor` of the next one.",
            PAGE.checked(
                "goes on after the first page",
                "pm.expect(body.items).to.have.lengthOf(1)",
                "pm.expect(body.items[0].uuid)"
                '.to.not.eql(pm.collectionVariables.get("newest"))',
            ),
            query={"limit": "1", "cursor": "{{cursor}}"},
        ),
        Pages.listed(
            "Mine that are ready",
            {"owner": "me", "status": "ready", "limit": "100"},
            "Filters hold together.",
            "const mine = (item) => item.owner === "
            'pm.collectionVariables.get("uuid") && item.status === "ready"',
            "pm.expect(body.items.every(mine)).to.be.true",
            f"{UUIDS}.to.include({OURS})",
        ),
        Pages.listed(
            "Those of these bytes",
            {"sha256": "{{sha256}}"},
            "By the checksum of the video.",
            f"{UUIDS}.to.include({OURS})",
        ),
        Pages.listed(
            "By time and duration",
            {
                "created_after": "2020-01-01T00:00:00Z",
                "created_before": "2100-01-01T00:00:00Z",
                "min_duration": "1",
                "max_duration": "3",
                "owner": "me",
                "limit": "100",
            },
            "Durations are seconds.",
            "const fits = (item) => item.duration >= 1 && item.duration <= 3",
            "pm.expect(body.items.every(fits)).to.be.true",
            f"{UUIDS}.to.include({OURS})",
        ),
        Pages.listed(
            "Oldest first",
            {"ordering": "created_at", "limit": "100"},
            "The usual ordering is `-created_at`.",
            "const times = body.items.map((item) => item.created_at)",
            "pm.expect(times).to.eql([...times].sort())",
        ),
        Pages.listed(
            "By title, backwards",
            {"ordering": "-title", "owner": "me", "limit": "100"},
            "Clips before broken ones, Café between them.",
            "const known = [pm.collectionVariables.get('broken'), "
            "pm.collectionVariables.get('media')]",
            "const uuids = body.items.map((item) => item.uuid)",
            "pm.expect(uuids.filter((uuid) => known.includes(uuid)))"
            ".to.eql([...known].reverse())",
        ),
        Pages.listed(
            "A viewer owns none",
            {"owner": "{{viewer_uuid}}"},
            "An empty page is a page.",
            "pm.expect([body.items, body.next, body.total]).to.eql([[], null, 0])",
        ),
        Pages.found(
            "Search without the accent",
            "/search",
            "CAFE {{run}}",
            "All words must match, case and accents folded.",
            f"pm.expect(body.items[0].uuid).to.eql({OURS})",
            "pm.expect(body.total).to.eql(1)",
        ),
        Pages.found(
            "Search by part of a word",
            "/search/",
            "arkt {{run}}",
            "A word matches as word, prefix or substring of three and more characters.",
            f"pm.expect(body.items[0].uuid).to.eql({OURS})",
        ),
        Pages.found(
            "Search for what is not there",
            "/search",
            "Café nowhere{{run}}",
            "One word that matches is not enough.",
            "pm.expect(body.items).to.eql([])",
        ),
        Pages.refused(
            "Refused: too large a page", {"limit": "101"}, "A page has 1 to 100."
        ),
        Pages.refused(
            "Refused: an ordering that is not there",
            {"ordering": "size"},
            "By `created_at` and `title` only.",
        ),
    ),
)
