"""The oracle sees every kind of damage, and none where there is none."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from tests.e2e.client import Client
from tests.e2e.faults import until
from tests.e2e.videos import Videos
from tests.faults.harness import FaultStack
from tests.faults.oracle import Oracle, Taken, Violation
from tests.faults.stores import Row, Snapshot, StoredItem


class Whole:
    """A snapshot in which nothing is wrong: one media with its miniature, one job."""

    def __init__(self) -> None:
        self.blob: Row = {
            "uuid": uuid4(),
            "sha256": "a" * 64,
            "size_bytes": 7,
            "object_key": "videos/1.mp4",
            "state": "stored",
            "staged_name": uuid4(),
        }
        self.picture: Row = {
            "uuid": uuid4(),
            "sha256": "d" * 64,
            "size_bytes": 3,
            "object_key": "miniatures/1.jpg",
            "state": "stored",
            "staged_name": uuid4(),
        }
        self.media: Row = {
            "uuid": uuid4(),
            "owner_id": uuid4(),
            "video_id": self.blob["uuid"],
            "status": "ready",
            "failure_code": "",
        }
        self.job: Row = {
            "uuid": uuid4(),
            "media_id": self.media["uuid"],
            "kind": "upload_to_cdn",
            "status": "succeeded",
            "attempt": 2,
            "failure_code": "",
            "lease_until": None,
            "lease_is_over": None,
            "staged_name": None,
            "queued_at": 1,
        }
        self.miniature: Row = {
            "media_id": self.media["uuid"],
            "blob_id": self.picture["uuid"],
            "shown": True,
        }
        self.seen = Snapshot(
            blobs=[self.blob, self.picture],
            media=[self.media],
            miniatures=[self.miniature],
            urls=[self._url(self.media), self._miniature_url()],
            jobs=[self.job],
            attempts=[
                self._attempt(1, "failed", "object_store_away"),
                self._attempt(2, "succeeded", ""),
            ],
            documents={self.blob["uuid"]: self.blob["sha256"]},
            objects={
                "videos/1.mp4": StoredItem("videos/1.mp4", 7, "etag", "now"),
                "miniatures/1.jpg": StoredItem("miniatures/1.jpg", 3, "other", "now"),
            },
        )
        self.taken = Taken(str(self.media["uuid"]), "a" * 64)

    def violations(self) -> list[Violation]:
        checks = Oracle.checks([self.taken])
        return [found for check in checks for found in check.violations(self.seen)]

    def twin(self, **changes: object) -> None:
        """Another media of the same bytes and owner."""
        media = {**self.media, "uuid": uuid4(), **changes}
        self.seen.media.append(media)
        self.seen.urls.append(self._url(media))

    def fail(self, kind: str, code: str, queued_at: int = 0) -> None:
        """A job of this kind has failed in its only attempt."""
        failed = {"kind": kind, "status": "failed", "failure_code": code}
        job = {**self.job, **failed, "uuid": uuid4(), "queued_at": queued_at}
        self.seen.jobs.append({**job, "attempt": 1})
        ended = {**self._attempt(1, "failed", code), "job_id": job["uuid"]}
        self.seen.attempts.append(ended)

    def _miniature_url(self) -> Row:
        key, media = self.picture["object_key"], self.media["uuid"]
        return {"media_id": media, "kind": "miniature", "object_key": key}

    def _url(self, media: Row) -> Row:
        key = self.blob["object_key"]
        return {"media_id": media["uuid"], "kind": "video", "object_key": key}

    def _attempt(self, number: int, outcome: str, code: str) -> Row:
        named = {"job_id": self.job["uuid"], "number": number}
        return {**named, "outcome": outcome, "code": code}


Damage = Callable[[Whole], object]
DAMAGES: dict[str, Damage] = {
    "is not there": lambda w: (w.seen.media.clear(), w.seen.jobs.clear()),
    "has other bytes": lambda w: w.blob.update(sha256="b" * 64),
    "is processing": lambda w: w.media.update(status="processing"),
    "still pending": lambda w: w.twin(status="pending", owner_id=uuid4()),
    "is failed unreadable_media": lambda w: w.media.update(
        status="failed", failure_code="unreadable_media"
    ),
    "failed with 'odd'": lambda w: w.media.update(status="failed", failure_code="odd"),
    "does not lead to the object": lambda w: w.seen.urls.clear(),
    "is missing": lambda w: w.blob.update(state="missing"),
    "s3 videos/1.mp4": lambda w: w.seen.objects.pop("videos/1.mp4"),
    "s3 miniatures/1.jpg": lambda w: w.seen.objects.pop("miniatures/1.jpg"),
    "has 3 bytes": lambda w: w.picture.update(size_bytes=4),
    "miniature leads to nothing stored": lambda w: w.picture.update(state="missing"),
    "may not fail with crash_loop": lambda w: w.fail("make_miniature", "crash_loop"),
    "may not fail with media_deleted": lambda w: w.fail(
        "make_miniature", "media_deleted"
    ),
    "has 7 bytes": lambda w: w.blob.update(size_bytes=8),
    "ready without document": lambda w: w.seen.documents.clear(),
    "document is of other bytes": lambda w: w.seen.documents.update(
        {w.blob["uuid"]: "b" * 64}
    ),
    "2 blobs": lambda w: w.seen.blobs.append({**w.blob, "uuid": uuid4()}),
    "objects of the same bytes": lambda w: w.seen.objects.update(
        {"videos/2.mp4": StoredItem("videos/2.mp4", 7, "etag", "later")}
    ),
    "live media of one owner": lambda w: w.twin(),
    "nobody uses it": lambda w: w.media.update(status="deleted", video_id=None),
    "object without owner": lambda w: w.blob.update(object_key="videos/3.mp4"),
    "document without owner": lambda w: w.seen.documents.update({uuid4(): "c" * 64}),
    "unfinished multipart": lambda w: w.seen.unfinished.append("videos/1.mp4"),
    "staged file without owner": lambda w: w.seen.staged.add(
        str(w.blob["staged_name"])
    ),
    "is still queued": lambda w: w.job.update(status="queued"),
    "runs without a lease": lambda w: w.job.update(status="running"),
    "lease is over": lambda w: w.job.update(status="running", lease_is_over=True),
    "failed with 'strange'": lambda w: w.job.update(
        status="failed", failure_code="strange"
    ),
    "has attempts [1, 2] of 3": lambda w: w.job.update(attempt=3),
    "has attempts [1, 1]": lambda w: w.seen.attempts[1].update(number=1),
    "never ended": lambda w: w.seen.attempts[0].update(outcome=""),
    "succeeded more than once": lambda w: w.seen.attempts[0].update(
        outcome="succeeded"
    ),
    "is failed after": lambda w: w.job.update(
        status="failed", failure_code="lease_lost"
    ),
    "attempt 1 failed with 'new'": lambda w: w.seen.attempts[0].update(code="new"),
    "2 open jobs": lambda w: (
        w.job.update(status="queued"),
        w.seen.jobs.append({**w.job, "uuid": uuid4()}),
    ),
}


class TestChecks:
    def test_what_is_whole_is_left_alone(self) -> None:
        assert Whole().violations() == []

    @pytest.mark.parametrize("what", DAMAGES)
    def test_each_damage_is_told(self, what: str) -> None:
        whole = Whole()
        DAMAGES[what](whole)
        assert what in "\n".join(map(str, whole.violations()))

    def test_a_failure_that_may_be_is_none(self) -> None:
        whole = Whole()
        whole.media.update(status="failed", failure_code="unreadable_media")
        whole.taken = replace(whole.taken, may_fail=frozenset({"unreadable_media"}))
        assert whole.violations() == []

    def test_nor_is_that_of_a_job_that_may_be(self) -> None:
        whole = Whole()
        whole.fail("make_miniature", "crash_loop")
        whole.taken = replace(whole.taken, may_fail=frozenset({"crash_loop"}))
        assert whole.violations() == []

    def test_nor_is_one_after_which_the_work_was_done(self) -> None:
        whole = Whole()
        whole.fail(whole.job["kind"], "object_store_denied")
        assert whole.violations() == []

    def test_nor_is_that_of_work_for_a_media_that_is_deleted(self) -> None:
        whole = Whole()
        whole.media.update(status="deleted")
        whole.taken = replace(whole.taken, is_deleted=True)
        whole.fail("make_miniature", "media_deleted")
        assert whole.violations() == []

    def test_what_should_be_deleted_and_is_not(self) -> None:
        whole = Whole()
        whole.taken = Taken(whole.taken.uuid, whole.taken.sha256, is_deleted=True)
        assert "was deleted and is ready" in str(whole.violations()[0])

    def test_a_staged_file_that_is_needed_is_no_damage(self) -> None:
        whole = Whole()
        whole.seen.staged.add(str(whole.blob["staged_name"]))
        whole.job.update(status="queued")
        assert "without owner" not in "\n".join(map(str, whole.violations()))


class Vandal:
    """Damages the stores of a stack by hand, and takes it back."""

    def __init__(self, stack: FaultStack, uuid: str) -> None:
        self._stores = stack.stores
        self._staging = stack.embedded.data.staging
        (self.blob,) = self._stores.rows(
            "SELECT blob.* FROM blob JOIN media ON video_id = blob.uuid "
            "WHERE media.uuid = %s",
            uuid,
        )
        self._key: str = self.blob["object_key"]
        (url,) = self._stores.rows(
            "SELECT object_key FROM url WHERE media_id = %s AND kind = 'miniature'",
            uuid,
        )
        self._picture_key: str = url["object_key"]

    def put(self, key: str, content: bytes) -> None:
        with self._stores.s3() as s3:
            s3.put_object(Bucket=self._stores.bucket, Key=key, Body=content)

    def remove(self, key: str) -> None:
        with self._stores.s3() as s3:
            s3.delete_object(Bucket=self._stores.bucket, Key=key)

    def read(self, key: str) -> bytes:
        with self._stores.s3() as s3:
            found = s3.get_object(Bucket=self._stores.bucket, Key=key)
            content: bytes = found["Body"].read()
        return content

    def orphan_object(self) -> Iterator[str]:
        self.put("videos/orphan.mp4", b"?")
        yield "s3 videos/orphan.mp4"
        self.remove("videos/orphan.mp4")

    def lost_object(self) -> Iterator[str]:
        yield from self._lost(self._key)

    def lost_miniature(self) -> Iterator[str]:
        yield from self._lost(self._picture_key)

    def _lost(self, key: str) -> Iterator[str]:
        content = self.read(key)
        self.remove(key)
        yield f"s3 {key}"
        self.put(key, content)

    def changed_object(self) -> Iterator[str]:
        content = self.read(self._key)
        self._have_served(b"?" + content[1:])
        yield "the CDN gives"
        self._have_served(content)

    def _have_served(self, content: bytes) -> None:
        """What was put is not always what the next reader gets."""
        self.put(self._key, content)
        sha256 = hashlib.sha256(content).hexdigest()

        def is_served() -> bool:
            return self._stores.sha256_at_the_cdn(self._key) == sha256

        until(is_served, 30.0, "the CDN gives what was put")

    def doubled_object(self) -> Iterator[str]:
        self.put("videos/double.mp4", self.read(self._key))
        yield "videos/double.mp4"
        self.remove("videos/double.mp4")

    def unfinished_upload(self) -> Iterator[str]:
        yield from self._unfinished(self._key, "unfinished multipart upload")

    def unfinished_staged_object(self) -> Iterator[str]:
        name = uuid4()
        yield from self._unfinished(f"staging/{name}", f"staging {name}")

    def orphan_staged_object(self) -> Iterator[str]:
        name = uuid4()
        self.put(f"staging/{name}", b"?")
        yield f"staging {name}"
        self.remove(f"staging/{name}")

    def _unfinished(self, key: str, told: str) -> Iterator[str]:
        named = {"Bucket": self._stores.bucket, "Key": key}
        with self._stores.s3() as s3:
            begun = s3.create_multipart_upload(**named)
            yield told
            s3.abort_multipart_upload(**named, UploadId=begun["UploadId"])

    def orphan_document(self) -> Iterator[str]:
        uuid = uuid4()
        with self._stores.documents() as documents:
            documents.insert_one({"_id": uuid, "sha256": "?"})
            yield f"mongo {uuid}"
            documents.delete_one({"_id": uuid})

    def lost_document(self) -> Iterator[str]:
        uuid: UUID = self.blob["uuid"]
        with self._stores.documents() as documents:
            found = documents.find_one_and_delete({"_id": uuid})
            yield "ready without document"
            documents.insert_one(found)

    def orphan_staged_file(self) -> Iterator[str]:
        file = self._staging / str(uuid4())
        file.write_bytes(b"?")
        yield f"staging {file.name}"
        file.unlink()

    def job_that_lies(self) -> Iterator[str]:
        change = "UPDATE job SET attempt = attempt %s 1 WHERE kind = 'upload_to_cdn'"
        self._write(change.replace("%s", "+"))
        yield "upload_to_cdn"
        self._write(change.replace("%s", "-"))

    def _write(self, statement: str) -> None:
        with self._stores.postgres() as connection:
            connection.execute(statement)  # type: ignore[arg-type]


class TestOracle:
    KINDS = (
        Vandal.orphan_object,
        Vandal.lost_object,
        Vandal.lost_miniature,
        Vandal.changed_object,
        Vandal.doubled_object,
        Vandal.unfinished_upload,
        Vandal.unfinished_staged_object,
        Vandal.orphan_staged_object,
        Vandal.orphan_document,
        Vandal.lost_document,
        Vandal.orphan_staged_file,
        Vandal.job_that_lies,
    )

    def test_damage_in_real_stores_is_found_and_named(
        self, stack: FaultStack, operator: Client, videos: Videos
    ) -> None:
        video = videos.new()
        taken = Taken.of(operator.upload(video), video)
        stack.oracle.until_content([taken])
        vandal = Vandal(stack, taken.uuid)
        # Nobody repairs anything meanwhile.
        with stack.stopped("worker"):
            for kind in self.KINDS:
                self._see(stack, taken, kind(vandal))
            assert stack.oracle.violations([taken]) == []

    @staticmethod
    def _see(stack: FaultStack, taken: Taken, damage: Iterator[str]) -> None:
        what = next(damage)
        with pytest.raises(AssertionError, match=what):
            stack.oracle.until_content([taken], 0.0)
        with suppress(StopIteration):
            next(damage)
