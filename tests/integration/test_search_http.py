"""`GET /search` on the real stores, as a client sees it."""

import string
import unicodedata

import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from backend.orm.media_search import TitleWords
from backend.orm.pages import MOST_COUNTED
from tests.answers import titles
from tests.media_http import Caller, Service
from tests.shelf import Shelf


@pytest.fixture
async def reader(service: Service) -> Caller:
    return await service.signed_in("reader@example.org", "viewer")


@pytest.fixture
async def shelf(service: Service, reader: Caller) -> Shelf:
    return await service.shelf("reader@example.org")


# What is looked for, a title, whether it is found.
MATCHES = [
    ("CAFE", "Café am Markt", True),
    ("markt café", "Café am Markt", True),
    ("olid", "My Summer Holiday", True),
    ("summer holid", "My Summer Holiday", True),
    ("summer holid", "Holiday", False),
    # Inside of a word only from three characters on.
    ("li", "My Summer Holiday", False),
    ("ho", "My Summer Holiday", True),
    ("h", "My Summer Holiday", True),
    ("o", "My Summer Holiday", False),
    ("my", "My Summer Holiday", True),
    # Not across words.
    ("mer hol", "My Summer Holiday", True),
    ("merhol", "My Summer Holiday", False),
    ("strasse", "Straße", True),
    ("STRAẞE", "Strasse", True),
    ("istanbul", "İstanbul", True),
    ("\u0131sparta", "Isparta", True),
    (unicodedata.normalize("NFD", "Déjà vu"), "deja Vu", True),
    ("deja", unicodedata.normalize("NFD", "Déjà vu"), True),
    ("σίσυφος", "ΣΊΣΥΦΟΣ", True),
    ("ёлка", "Елка", True),
    ("smorrebrod", "Smørrebrød", True),
    ("ﬁlm", "Film", True),
    ("\uff26ull", "Full width", True),
    ("東京", "東京タワー", True),
    ("タワー", "東京タワー", True),
    # Two characters in the middle of a text without spaces are no beginning.
    ("ワー", "東京タワー", False),
    ("カ", "ガラス", False),
    ("한글", unicodedata.normalize("NFD", "한글 영화"), True),
    ("🎉", "🎉 Party", True),
    ("🎉🎉🎉", "So 🎉🎉🎉🎉", True),
    ("❤", "I ❤️ you", True),
    # Punctuation separates words and means nothing else.
    ("100%", "100 percent", True),
    ("%oli", "Holiday", True),
    ("ho_d_y", "Holiday", False),
    ("h%y", "Holiday", False),
    (r"a\b", "b a", True),
    ("it's", "It was Monday", False),
    ("it's", "IT'S so", True),
    ('"summer"', "Summer", True),
    ("img-2024", "IMG_2024_05.MP4", True),
    ("'; DROP TABLE media; --", "drop table; media", True),
    ("c++", "C sharp", True),
    # Each word must be there.
    ("sun sunday", "Sunday", True),
    ("moon sunday", "Sunday", False),
    ("sun sun sun", "Sunday", True),
]


BAD_QUERIES = [
    ("", "title"),
    ("title=" + "a" * 10_000, "title"),
    ("title=" + "a" * 201, "title"),
    ("title=a%00b", "title"),
    ("title=a&limit=0", "limit"),
    ("title=a&limit=101", "limit"),
    ("title=a&limit=1.5", "limit"),
    ("title=a&limit=" + "9" * 31, "limit"),
    ("title=a&cursor=abc", "cursor"),
    ("title=a&cursor=", "cursor"),
    ("title=a&cursor=" + "A" * 5_000, "cursor"),
    ("title=a&offset=3", "offset"),
    ("title[]=a", "title"),
    ("q=a", "title"),
]


class TestMatching:
    async def test_words_beginnings_and_parts(
        self, reader: Caller, shelf: Shelf
    ) -> None:
        await shelf.put(*{title for _, title, _ in MATCHES})
        wrong = []
        for text, title, expected in MATCHES:
            found = titles(await reader.search(text, limit=100))
            if (title in found) != expected:
                wrong.append((text, title, found))
        assert wrong == []

    async def test_both_paths_answer(self, reader: Caller, shelf: Shelf) -> None:
        await shelf.put("Holiday")
        for path in ("/search", "/search/"):
            answer = await reader.get_with(f"{path}?title=holiday")
            assert titles(answer) == ["Holiday"]

    async def test_what_readers_may_not_see_is_not_found(
        self, service: Service, reader: Caller
    ) -> None:
        owner = await service.signed_in("owner@example.org", "media_operator")
        shelf = await service.shelf("owner@example.org")
        stays, goes = await shelf.put("Holiday", "Holidays")
        assert (await reader.search("holiday")).json()["total"] == 2
        assert (await owner.delete(goes)).status_code == 204
        answer = (await reader.search("holiday")).json()
        assert [item["uuid"] for item in answer["items"]] == [str(stays)]
        assert answer["total"] == 1

    async def test_a_text_without_words_is_refused(self, reader: Caller) -> None:
        texts = ("", " ", "%", "%%__", "\\", "!?.,;", "\u200b", "\u0301", "—…«»")
        for text in texts:
            answer = await reader.search(text)
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
            assert [e["field"] for e in answer.json()["errors"]] == ["title"]

    async def test_a_bad_query_is_refused(self, reader: Caller) -> None:
        for query, field in BAD_QUERIES:
            answer = await reader.get_with(f"/search?{query}")
            assert answer.status_code == 422, (query, answer.text)
            assert field in [e["field"] for e in answer.json()["errors"]]

    async def test_who_may_not_read_may_not_search(self, service: Service) -> None:
        nobody = Caller(service.http, "no token")
        assert (await nobody.search("a")).status_code == 401


class TestRanking:
    async def test_words_before_beginnings_before_parts_then_the_shorter(
        self, reader: Caller, shelf: Shelf
    ) -> None:
        best_first = [
            "Sun",
            "The sun",
            "The sun and the moon",
            "Sunday",
            "On a Sunday afternoon",
            "Misunderstood",
        ]
        await shelf.put(*reversed(best_first))
        assert titles(await reader.search("sun")) == best_first

    async def test_of_equals_the_newer_first(
        self, reader: Caller, shelf: Shelf
    ) -> None:
        older = await shelf.put("Sun A")
        newer = await shelf.put("Sun B")
        found = (await reader.search("sun")).json()["items"]
        assert [item["uuid"] for item in found] == [str(newer[0]), str(older[0])]

    async def test_pages_have_every_match_once(
        self, reader: Caller, shelf: Shelf
    ) -> None:
        await shelf.put(*(t for t in ("Sun", "Sunday", "A sun", "Misun") * 3))
        whole = (await reader.search("sun", limit=100)).json()
        seen, cursor = [], {}
        while True:
            page = (await reader.search("sun", limit=3, **cursor)).json()
            assert (page["total"], page["total_is_exact"]) == (12, True)
            seen += page["items"]
            if page["next"] is None:
                break
            # What comes meanwhile moves nothing of what was there.
            await shelf.put("Sun")
            await shelf.delete(await shelf.newest())
            cursor = {"cursor": page["next"]}
        assert seen == whole["items"]

    async def test_a_cursor_belongs_to_its_search(
        self, reader: Caller, shelf: Shelf
    ) -> None:
        await shelf.put("Sun", "Sun", "Moon", "Moon")
        cursor = (await reader.search("sun", limit=1)).json()["next"]
        again = await reader.search("  sun ", limit=1, cursor=cursor)
        assert again.status_code == 200
        for answer in (
            await reader.search("moon", limit=1, cursor=cursor),
            await reader.list(limit=1, cursor=cursor),
        ):
            assert answer.status_code == 422


class TestVeryManyMatches:
    async def test_the_newest_are_ranked(self, reader: Caller, shelf: Shelf) -> None:
        await shelf.put("Sun")
        await shelf.fill("The sun and the moon", MOST_COUNTED - 1)
        found = (await reader.search("sun", limit=1)).json()
        assert (found["total"], found["total_is_exact"]) == (MOST_COUNTED, True)
        assert [item["title"] for item in found["items"]] == ["Sun"]

        # The best one is now older than those that are looked at.
        await shelf.put("The sun", "The sun")
        found = (await reader.search("su", limit=3)).json()
        assert (found["total"], found["total_is_exact"]) == (MOST_COUNTED, False)
        assert [item["title"] for item in found["items"]] == [
            "The sun",
            "The sun",
            "The sun and the moon",
        ]

    async def test_titles_that_were_asked_for_word_for_word_come_first_and_once(
        self, reader: Caller, shelf: Shelf
    ) -> None:
        """Some of them are older than those that are looked at, and one is not."""
        older = [(await shelf.put("The sun"))[0] for _ in range(2)]
        await shelf.put("The moon")
        await shelf.fill("The sun and the moon", MOST_COUNTED + 1)
        newest = (await shelf.put("The sun"))[0]
        expected = [str(media_id) for media_id in (newest, *reversed(older))]
        found = (await reader.search("the SUN", limit=5)).json()
        assert [item["uuid"] for item in found["items"]][:3] == expected
        assert len({item["uuid"] for item in found["items"]}) == 5

        page = (await reader.search("the SUN", limit=1)).json()
        one_by_one = page["items"]
        for _ in range(4):
            cursor = page["next"]
            page = (await reader.search("the SUN", limit=1, cursor=cursor)).json()
            one_by_one += page["items"]
        assert one_by_one == found["items"]

    async def test_of_a_title_that_very_many_have_the_newest_are_shown(
        self, reader: Caller, shelf: Shelf
    ) -> None:
        await shelf.fill("Sun", MOST_COUNTED + 1)
        newest = [(await shelf.put("Sun"))[0] for _ in range(3)]
        expected = [str(media_id) for media_id in reversed(newest)]
        first = (await reader.search("sun", limit=2)).json()
        assert (first["total"], first["total_is_exact"]) == (MOST_COUNTED, False)
        following = await reader.search("sun", limit=2, cursor=first["next"])
        found = [*first["items"], *following.json()["items"]]
        assert [item["uuid"] for item in found][:3] == expected
        assert len({item["uuid"] for item in found}) == 4


PLAIN = ["Summer HOLIDAY", "  two   spaces ", string.ascii_letters + string.digits, ""]


@pytest.mark.parametrize("text", PLAIN)
async def test_plain_words_are_folded_as_the_database_does(
    text: str, clean_database: object
) -> None:
    def folded() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT fold_title(%s)", [text])
            return str(cursor.fetchone()[0])

    plain = TitleWords.plain(text)
    assert plain is not None
    assert plain == TitleWords.of(await sync_to_async(folded)())


@pytest.mark.parametrize("text", ["Café", "a-b", "a\tb", "ﬁlm", "100%"])
def test_others_are_left_to_the_database(text: str) -> None:
    assert TitleWords.plain(text) is None
