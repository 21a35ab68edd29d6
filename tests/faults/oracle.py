"""Says whether promises P1, P2 and P3 hold, over all stores at once."""

import hashlib
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import UUID

import httpx

from backend.domain.failures import FAILURES
from backend.domain.states import GONE_MEDIA, LIVE_MEDIA, OPEN_JOBS
from tests.faults.stores import Row, Snapshot, StoredItem, Stores


@dataclass(frozen=True)
class Violation:
    """Something that must not be so once the system is quiet."""

    store: str
    key: str
    media: str
    what: str

    def __str__(self) -> str:
        return f"{self.store} {self.key} (media {self.media or '-'}): {self.what}"


@dataclass(frozen=True)
class Taken:
    """An upload that was answered 2xx: what the answer promised.

    `may_fail` are the codes with which the media, or a job of it, may fail instead.
    """

    uuid: str
    sha256: str
    may_fail: frozenset[str] = frozenset()
    is_deleted: bool = False

    @classmethod
    def of(
        cls, answer: httpx.Response, video: Path, may_fail: Collection[str] = ()
    ) -> "Taken":
        assert answer.is_success, answer.text
        sha256 = hashlib.sha256(video.read_bytes()).hexdigest()
        return cls(answer.json()["uuid"], sha256, frozenset(may_fail))


class Check(Protocol):
    """Looks at one promise."""

    def violations(self, seen: Snapshot) -> Iterator[Violation]: ...


class TakenIsThere:
    """P1: what was answered exists, and is ready or failed for a reason that may be."""

    def __init__(self, taken: Collection[Taken]) -> None:
        self._taken = taken

    def violations(self, seen: Snapshot) -> Iterator[Violation]:
        media = seen.media_by_id
        for taken in self._taken:
            row = media.get(UUID(taken.uuid))
            if wrong := self._wrong(taken, row, seen):
                yield Violation("postgres", "media", taken.uuid, wrong)

    @staticmethod
    def _wrong(taken: Taken, row: Row | None, seen: Snapshot) -> str:
        if taken.is_deleted:
            gone = row is None or row["status"] == "deleted"
            return "" if gone else f"was deleted and is {row and row['status']}"
        if row is None:
            return "was answered 2xx and is not there"
        if row["status"] == "failed" and row["failure_code"] in taken.may_fail:
            return ""
        if row["status"] != "ready":
            return f"is {row['status']} {row['failure_code']}".strip()
        blob = seen.blob_by_id.get(row["video_id"])
        if blob is None or blob["sha256"] != taken.sha256:
            return "has other bytes than were sent"
        return ""


class MediaAreAtRest:
    """P1: nothing is under way for ever, and what failed says why."""

    RESTING = ("ready", "failed", "deleted")

    def violations(self, seen: Snapshot) -> Iterator[Violation]:
        for row in seen.media:
            uuid = str(row["uuid"])
            if row["status"] not in self.RESTING:
                yield Violation("postgres", "media", uuid, f"is still {row['status']}")
            elif row["status"] == "failed" and row["failure_code"] not in FAILURES:
                code = row["failure_code"]
                yield Violation("postgres", "media", uuid, f"failed with {code!r}")


class ReadyIsWhole:
    """P3: ready means a stored object, an Url to it and its document."""

    def violations(self, seen: Snapshot) -> Iterator[Violation]:
        urls = {
            row["media_id"]: row["object_key"]
            for row in seen.urls
            if row["kind"] == "video"
        }
        blobs = seen.blob_by_id
        for row in seen.media:
            if row["status"] == "ready":
                blob, uuid = blobs[row["video_id"]], str(row["uuid"])
                if urls.get(row["uuid"]) != blob["object_key"]:
                    yield Violation(
                        "postgres", "url", uuid, "does not lead to the object"
                    )
                if blob["state"] != "stored":
                    yield Violation("postgres", "blob", uuid, f"is {blob['state']}")
                yield from self._document(blob, uuid, seen)

    @staticmethod
    def _document(blob: Row, uuid: str, seen: Snapshot) -> Iterator[Violation]:
        sha256 = seen.documents.get(blob["uuid"])
        if sha256 is None:
            yield Violation("mongo", str(blob["uuid"]), uuid, "ready without document")
        elif sha256 != blob["sha256"]:
            what = "its document is of other bytes"
            yield Violation("mongo", str(blob["uuid"]), uuid, what)


class StoredIsThere:
    """P3: what is stored, video or miniature, is in the bucket; each Url leads to it."""

    def violations(self, seen: Snapshot) -> Iterator[Violation]:
        stored = [blob for blob in seen.blobs if blob["state"] == "stored"]
        for blob in stored:
            key, found = blob["object_key"], seen.objects.get(blob["object_key"])
            media = seen.media_of(blob["uuid"])
            if found is None:
                yield Violation("s3", key, media, "stored without object")
            elif found.size_bytes != blob["size_bytes"]:
                yield Violation("s3", key, media, f"has {found.size_bytes} bytes")
        keys = {blob["object_key"] for blob in stored}
        for url in seen.urls:
            if url["object_key"] not in keys:
                key, media = url["object_key"], str(url["media_id"])
                what = f"{url['kind']} leads to nothing stored"
                yield Violation("postgres", f"url {key}", media, what)


class BytesAreOnce:
    """P2: one blob and one object for the same bytes, one live media of them an owner."""

    def violations(self, seen: Snapshot) -> Iterator[Violation]:
        yield from self._blobs(seen)
        yield from self._objects(seen)
        yield from self._media(seen)

    @staticmethod
    def _blobs(seen: Snapshot) -> Iterator[Violation]:
        for sha256, times in Counter(row["sha256"] for row in seen.blobs).items():
            if times > 1:
                yield Violation("postgres", f"blob {sha256}", "", f"{times} blobs")

    @staticmethod
    def _objects(seen: Snapshot) -> Iterator[Violation]:
        same: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
        for item in seen.objects.values():
            same[item.size_bytes, item.etag].append(item.key)
        for keys in same.values():
            if len(keys) > 1:
                what = "objects of the same bytes"
                yield Violation("s3", " ".join(sorted(keys)), "", what)

    @staticmethod
    def _media(seen: Snapshot) -> Iterator[Violation]:
        same: defaultdict[tuple[object, str], list[str]] = defaultdict(list)
        for row in seen.media:
            blob = seen.blob_by_id.get(row["video_id"])
            if blob is not None and row["status"] in LIVE_MEDIA:
                same[row["owner_id"], blob["sha256"]].append(str(row["uuid"]))
        for uuids in same.values():
            if len(uuids) > 1:
                what = "live media of one owner with the same bytes"
                yield Violation("postgres", "media", " ".join(sorted(uuids)), what)


class NothingIsWithoutOwner:
    """P3: no blob, object, document, staged file or multipart upload is left over."""

    def violations(self, seen: Snapshot) -> Iterator[Violation]:
        keys = {row["object_key"] for row in seen.blobs}
        used = {row["video_id"] for row in seen.media}
        used |= {row["blob_id"] for row in seen.miniatures}
        for row in seen.blobs:
            if row["uuid"] not in used:
                yield Violation("postgres", f"blob {row['uuid']}", "", "nobody uses it")
        for key in seen.objects.keys() - keys:
            yield Violation("s3", key, "", "object without owner")
        for uuid in seen.documents.keys() - seen.blob_by_id.keys():
            yield Violation("mongo", str(uuid), "", "document without owner")
        for key in seen.unfinished:
            yield Violation("s3", key, "", "unfinished multipart upload")
        for name in seen.staged - self._needed(seen):
            yield Violation("staging", name, "", "staged file without owner")

    @staticmethod
    def _needed(seen: Snapshot) -> set[str]:
        """Pictures that wait for a retry, and videos that are not stored yet."""
        busy = {job["media_id"] for job in seen.jobs if job["status"] in OPEN_JOBS}
        worked_on = {row["video_id"] for row in seen.media if row["uuid"] in busy}
        videos = {
            str(row["staged_name"])
            for row in seen.blobs
            if row["state"] != "stored" or row["uuid"] in worked_on
        }
        return videos | {str(job["staged_name"]) for job in seen.jobs}


class JobsAreOver:
    """P1, P7: each job has ended, in attempts that follow each other, with a reason."""

    def violations(self, seen: Snapshot) -> Iterator[Violation]:
        attempts: defaultdict[object, list[Row]] = defaultdict(list)
        for row in seen.attempts:
            attempts[row["job_id"]].append(row)
        for job in seen.jobs:
            for what in self._wrong(job, attempts[job["uuid"]]):
                media = str(job["media_id"])
                yield Violation("postgres", f"{job['kind']} {job['uuid']}", media, what)
        yield from self._twice(seen)

    @classmethod
    def _wrong(cls, job: Row, attempts: list[Row]) -> Iterator[str]:
        if job["status"] in OPEN_JOBS:
            yield f"is still {job['status']}"
        if job["status"] == "running" and job["lease_until"] is None:
            yield "runs without a lease"
        if job["status"] == "running" and job["lease_is_over"]:
            yield "runs though its lease is over"
        if job["status"] == "failed" and job["failure_code"] not in FAILURES:
            yield f"failed with {job['failure_code']!r}"
        yield from cls._wrong_attempts(job, attempts)

    @staticmethod
    def _wrong_attempts(job: Row, attempts: list[Row]) -> Iterator[str]:
        numbers = [row["number"] for row in attempts]
        outcomes = [row["outcome"] for row in attempts]
        if numbers != list(range(1, job["attempt"] + 1)):
            yield f"has attempts {numbers} of {job['attempt']}"
        if job["status"] not in OPEN_JOBS and "" in outcomes:
            yield "has an attempt that never ended"
        if outcomes.count("succeeded") > 1:
            yield "succeeded more than once"
        if (job["status"] == "succeeded") != ("succeeded" in outcomes):
            yield f"is {job['status']} after {outcomes}"
        for row in attempts:
            if row["outcome"] == "failed" and row["code"] not in FAILURES:
                yield f"attempt {row['number']} failed with {row['code']!r}"

    @staticmethod
    def _twice(seen: Snapshot) -> Iterator[Violation]:
        of_kind = Counter(
            (job["media_id"], job["kind"])
            for job in seen.jobs
            if job["status"] in OPEN_JOBS
        )
        for (media, kind), times in of_kind.items():
            if times > 1:
                yield Violation("postgres", kind, str(media), f"{times} open jobs")


class OnlyWhatMayFails:
    """P1: whatever happened, the last job of each kind did its work, or may fail so.

    What was to be done for a media that is deleted meanwhile needs no other reason.
    """

    def __init__(self, taken: Collection[Taken]) -> None:
        self._may_fail = {UUID(one.uuid): one.may_fail for one in taken}

    def violations(self, seen: Snapshot) -> Iterator[Violation]:
        last = {
            (job["media_id"], job["kind"]): job
            for job in sorted(seen.jobs, key=lambda job: job["queued_at"])
        }
        for job in last.values():
            if job["status"] == "failed" and not self._may(job, seen):
                key, media = f"{job['kind']} {job['uuid']}", str(job["media_id"])
                what = f"may not fail with {job['failure_code']}"
                yield Violation("postgres", key, media, what)

    def _may(self, job: Row, seen: Snapshot) -> bool:
        if job["failure_code"] == "media_deleted":
            media = seen.media_by_id.get(job["media_id"])
            return media is None or media["status"] in GONE_MEDIA
        return job["failure_code"] in self._may_fail.get(job["media_id"], ())


class BytesAreRight:
    """P3: what the CDN gives away has the hash of its blob. Each object is read once."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._read: dict[StoredItem, str | None] = {}

    def violations(self, seen: Snapshot) -> Iterator[Violation]:
        for blob in seen.blobs:
            item = seen.objects.get(blob["object_key"])
            if item is not None and blob["state"] == "stored":
                found = self._sha256(item)
                if found != blob["sha256"]:
                    media, key = seen.media_of(blob["uuid"]), item.key
                    what = f"the CDN gives {found}, not {blob['sha256']}"
                    yield Violation("s3", key, media, what)

    def _sha256(self, item: StoredItem) -> str | None:
        if item not in self._read:
            self._read[item] = self._stores.sha256_at_the_cdn(item.key)
        return self._read[item]


class Oracle:
    """Looks until everything is as it must be, or tells all that is not."""

    PAUSE_SECONDS = 0.25

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._bytes = BytesAreRight(stores)
        self._known: frozenset[Violation] = frozenset()

    def begin(self) -> None:
        """Whatever is wrong already was told of by an earlier test."""
        self._known = frozenset()
        self._known = frozenset(self.violations())

    def until_content(
        self, taken: Collection[Taken] = (), seconds: float = 60.0
    ) -> float:
        """How many seconds it took; an AssertionError names every violation."""
        began = time.monotonic()
        while wrong := self.violations(taken):
            waited = time.monotonic() - began
            told = "\n  ".join(str(violation) for violation in wrong)
            assert waited < seconds, f"After {waited:.0f} s:\n  {told}"
            time.sleep(self.PAUSE_SECONDS)
        return time.monotonic() - began

    def violations(self, taken: Collection[Taken] = ()) -> list[Violation]:
        """Those of this moment. Bytes are read when all else is right."""
        seen = self._stores.snapshot()
        checks = self.checks(taken)
        wrong = [found for check in checks for found in check.violations(seen)]
        wrong = wrong or list(self._bytes.violations(seen))
        return [violation for violation in wrong if violation not in self._known]

    @staticmethod
    def checks(taken: Collection[Taken]) -> list[Check]:
        return [
            TakenIsThere(taken),
            MediaAreAtRest(),
            ReadyIsWhole(),
            StoredIsThere(),
            BytesAreOnce(),
            NothingIsWithoutOwner(),
            JobsAreOver(),
            OnlyWhatMayFails(taken),
        ]
