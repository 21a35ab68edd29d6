"""What is deleted goes from every store, also when stores and workers are taken away."""

import os
from http import HTTPStatus
from pathlib import Path

import httpx
import psycopg
import pytest
from pymongo import MongoClient

from backend.embedded.stack import EmbeddedStack
from tests.e2e.cdn import Cdn, Purge
from tests.e2e.client import Client, Origin
from tests.e2e.faults import Faults, until
from tests.e2e.videos import MEBIBYTE, Videos
from tests.pictures import Pictures

GONE_SECONDS = 90.0
BACK_SECONDS = 60.0


class Traces:
    """What the stores of a stack still have of a video."""

    def __init__(self, stack: EmbeddedStack) -> None:
        self._environment = stack.servers.environment()
        self._staging = stack.data.staging
        self.origin = Origin(self._environment)

    def documents(self, sha256: str) -> int:
        with MongoClient(self._environment["MONGO_URL"]) as mongo:
            database = mongo.get_default_database("mediaproject")
            return database["metadata"].count_documents({"sha256": sha256})

    def staged(self, video: Path) -> int:
        """How many staged files have its size, which no other video has."""
        size = video.stat().st_size
        return [path.stat().st_size for path in self._staging.iterdir()].count(size)

    def until_gone(self, video: Path, sha256: str) -> None:
        until(
            lambda: self.origin.copies(video) == 0, GONE_SECONDS, "the object is gone"
        )
        until(lambda: self.documents(sha256) == 0, GONE_SECONDS, "so is the document")
        until(lambda: self.staged(video) == 0, GONE_SECONDS, "so is the staged file")
        assert self.origin.unfinished() == []

    def status(self, uuid: str) -> str:
        """What only the table knows of a media that is not shown any more."""
        return self._asked("SELECT status FROM media WHERE uuid = %s", uuid)[0]

    def outcomes(self, uuid: str) -> list[str]:
        """How the attempts to remove it ended."""
        return self._asked(
            "SELECT outcome FROM job_attempt JOIN job ON job.uuid = job_id "
            "WHERE media_id = %s AND kind = 'delete_media' ORDER BY number",
            uuid,
        )

    def codes(self, uuid: str) -> set[str]:
        """Why attempts to remove it failed."""
        return set(
            self._asked(
                "SELECT code FROM job_attempt JOIN job ON job.uuid = job_id "
                "WHERE media_id = %s AND kind = 'delete_media' AND outcome = 'failed'",
                uuid,
            )
        )

    def _asked(self, question: str, uuid: str) -> list[str]:
        with psycopg.connect(self._environment["DATABASE_URL"]) as connection:
            return [row[0] for row in connection.execute(question, [uuid])]


class Deletable:
    """A video that is ready, and that nobody works on."""

    def __init__(
        self, client: Client, video: Path, picture: bytes | None = None
    ) -> None:
        self._client = client
        self.video = video
        self.uuid: str = client.upload(video, picture).json()["uuid"]
        media = client.until_quiet(self.uuid)
        assert media["status"] == "ready"
        self.sha256: str = media["sha256"]
        self.addresses: list[str] = [media["urls"]["video"], media["miniature_url"]]

    def delete(self) -> None:
        answer = self._client.http.delete(f"/media/{self.uuid}/")
        assert answer.status_code == 204, answer.text
        assert self._client.http.get(f"/media/{self.uuid}/").status_code == 404

    def download(self) -> bytes:
        answer = self._client.http.get(f"/media/{self.uuid}/download/")
        assert answer.status_code == 307, answer.text
        return httpx.get(answer.headers["Location"], trust_env=False).content


class TestDeletion:
    @pytest.fixture
    def traces(self, stack: EmbeddedStack) -> Traces:
        return Traces(stack)

    def test_while_it_is_being_processed(
        self, operator: Client, traces: Traces, videos: Videos
    ) -> None:
        video = videos.new(192 * MEBIBYTE)
        media = operator.upload(video).json()
        until(lambda: bool(traces.origin.unfinished()), 30.0, "parts are being sent")

        answer = operator.http.delete(f"/media/{media['uuid']}/")

        assert answer.status_code == 204
        assert operator.http.get(f"/media/{media['uuid']}/").status_code == 404
        until(
            lambda: traces.outcomes(media["uuid"]) == ["succeeded"],
            GONE_SECONDS,
            "what was left of it is removed",
        )
        traces.until_gone(video, media["sha256"])

    def test_one_of_two_owners_keeps_the_video_until_he_deletes_it_too(
        self, operator: Client, admin: Client, traces: Traces, videos: Videos
    ) -> None:
        video = videos.new()
        mine, theirs = Deletable(operator, video), Deletable(admin, video)

        mine.delete()
        until(
            lambda: traces.status(mine.uuid) == "deleted",
            BACK_SECONDS,
            "it is a tombstone",
        )

        assert theirs.download() == video.read_bytes()
        assert traces.documents(theirs.sha256) == 1
        assert operator.media(theirs.uuid)["status"] == "ready"

        theirs.delete()
        traces.until_gone(video, theirs.sha256)


class TestCdn:
    @pytest.fixture
    def traces(self, stack: EmbeddedStack) -> Traces:
        return Traces(stack)

    @pytest.fixture
    def ready(self, operator: Client, videos: Videos) -> Deletable:
        """With a picture that no other media has: that would stay."""
        return Deletable(operator, videos.new(), self.picture())

    @staticmethod
    def picture() -> bytes:
        red, green, blue = os.urandom(3)
        return Pictures.plain("JPEG", (100, 80), (red, green, blue))

    def test_it_is_told_once_when_the_object_is_gone(
        self, ready: Deletable, traces: Traces, cdn: Cdn
    ) -> None:
        ready.delete()
        self.until_removed(ready, traces)

        for address in ready.addresses:
            assert cdn.of(address) == [Purge(address, HTTPStatus.NOT_FOUND)]

    def test_the_deletion_waits_for_one_that_refuses(
        self, ready: Deletable, traces: Traces, cdn: Cdn
    ) -> None:
        with cdn.refusing(HTTPStatus.FORBIDDEN):
            ready.delete()
            until(
                lambda: traces.codes(ready.uuid) == {"cdn_away"},
                BACK_SECONDS,
                "it was refused",
            )
            for address in ready.addresses:
                assert httpx.get(address, trust_env=False).status_code == 404
        self.until_removed(ready, traces)

        for address in ready.addresses:
            assert set(cdn.of(address)) == {Purge(address, HTTPStatus.NOT_FOUND)}

    def test_so_does_the_job_that_replaces_a_miniature(
        self, operator: Client, ready: Deletable, cdn: Cdn
    ) -> None:
        old = ready.addresses[1]
        with cdn.refusing(HTTPStatus.FORBIDDEN):
            put = operator.put_miniature(ready.uuid, self.picture())
            assert put.status_code == 202, put.text
            until(
                lambda: self.refusals(operator, ready.uuid) != set(),
                BACK_SECONDS,
                "it was refused",
            )
            # Readers see the new one all the same.
            assert operator.media(ready.uuid)["miniature_url"] not in (None, old)
            assert self.refusals(operator, ready.uuid) == {"cdn_away"}
        operator.until_quiet(ready.uuid)

        assert set(cdn.of(old)) == {Purge(old, HTTPStatus.NOT_FOUND)}

    @staticmethod
    def refusals(client: Client, uuid: str) -> set[str]:
        attempts = client.jobs(uuid)["make_miniature"]["attempts"]
        return {each["code"] for each in attempts if each["code"]}

    @staticmethod
    def until_removed(ready: Deletable, traces: Traces) -> None:
        def has_ended() -> bool:
            return traces.outcomes(ready.uuid)[-1:] == ["succeeded"]

        until(has_ended, BACK_SECONDS, "the removal has ended")


class TestDeletionUnderFaults:
    @pytest.fixture
    def traces(self, shaken_stack: EmbeddedStack) -> Traces:
        return Traces(shaken_stack)

    @pytest.fixture
    def ready(self, shaken_operator: Client, videos: Videos) -> Deletable:
        return Deletable(shaken_operator, videos.new())

    def test_stores_that_are_away_are_waited_for(
        self, faults: Faults, ready: Deletable, traces: Traces
    ) -> None:
        # The object store is back first: then the document is what cannot be removed.
        with faults.stopped("mongo"), faults.stopped("s3"):
            ready.delete()
            until(
                lambda: traces.status(ready.uuid) == "deleted",
                BACK_SECONDS,
                "a tombstone",
            )
            until(
                lambda: "failed" in traces.outcomes(ready.uuid),
                BACK_SECONDS,
                "it was tried",
            )

        traces.until_gone(ready.video, ready.sha256)

        finished = lambda: traces.outcomes(ready.uuid)[-1] == "succeeded"  # noqa: E731
        until(finished, BACK_SECONDS, "the removal has ended")

    def test_a_worker_that_is_killed_between_the_rows_and_the_rest(
        self, faults: Faults, ready: Deletable, traces: Traces
    ) -> None:
        with faults.frozen("s3"):
            ready.delete()
            until(
                lambda: traces.status(ready.uuid) == "deleted",
                BACK_SECONDS,
                "a tombstone",
            )
            old = faults.kill("worker")
        faults.until_back("worker", old, BACK_SECONDS)
        assert traces.origin.copies(ready.video) == 1

        traces.until_gone(ready.video, ready.sha256)

        def has_ended() -> bool:
            return traces.outcomes(ready.uuid) == ["lost", "succeeded"]

        until(has_ended, BACK_SECONDS, "another attempt has ended it")
