"""Owners and workers that do everything at once with the same bytes.

All of it is real: PostgreSQL, the staging folder, S3, MongoDB and Redis, the use cases
and the steps of the jobs. Only MediaInfo and FFmpeg run without the child process
around them, because starting one costs more than everything else here.
"""

import asyncio
import hashlib
import io
import json
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property, partial
from random import Random
from threading import Lock
from typing import Any, BinaryIO, ClassVar
from uuid import UUID

import av
from asgiref.sync import sync_to_async
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone
from pymediainfo import MediaInfo

from backend.adapters.media_info_report import ReportTrimmer
from backend.adapters.system_clock import SystemClock
from backend.config.worker_container import WorkerContainer
from backend.domain.errors import Conflict, MediaNotFound
from backend.domain.failures import JobFailed
from backend.domain.jobs import JobKind, RetryPolicy
from backend.domain.media import Caller, NewMedia, ObjectKey, Picture, UrlKind
from backend.domain.metadata import MetadataReport
from backend.domain.states import OPEN_JOBS, JobStatus
from backend.orm.models import Blob, Job, Media, Session, Url
from backend.use_cases.blob_bytes import BlobBytes
from backend.use_cases.delete_media import DeleteMedia
from backend.use_cases.extract_metadata import ExtractMetadata
from backend.use_cases.ingest_media import IngestMedia
from backend.use_cases.make_miniature import MakeMiniature
from backend.use_cases.object_check import ObjectCheck
from backend.use_cases.ports import Claim, DocumentStore, IngestLeases, ObjectStorage
from backend.use_cases.request_deletion import RequestDeletion
from backend.use_cases.retry_job import RetryJob
from backend.use_cases.run_job import JobStep, LeaseKeeper, LeaseTimes, Progress, RunJob
from backend.use_cases.upload_to_cdn import UploadToCdn
from tests.ledger_world import MP4, LedgerWorld

# A job that fails is failed at once, and one that is tried again does not wait.
IMPATIENT = RetryPolicy(
    most_failures=1, first_delay=timedelta(), longest_delay=timedelta()
)


_OPEN_JOBS = """
    SELECT media_id, kind, status FROM job WHERE media_id = ANY(%s) AND status = ANY(%s)
"""


class ChildlessMediaInfo:
    """A `MetadataExtractor` that has MediaInfo read the file in this process."""

    # The library does not take several files at once.
    _ONE: ClassVar = Lock()

    async def extract(self, source: BinaryIO) -> MetadataReport:
        return await asyncio.to_thread(self._extract, source)

    def _extract(self, source: BinaryIO) -> MetadataReport:
        with self._ONE:
            report = json.loads(MediaInfo.parse(source, output="JSON"))
        trimmer = ReportTrimmer()
        tracks = tuple(trimmer.tracks(report["media"]["track"]))
        return MetadataReport(tracks, "MediaInfoLib", "", trimmer.truncated)


class ChildlessFrames:
    """A `PictureMaker` that has FFmpeg decode the first frame in this process.

    Contents differ in what follows the film, so their pictures would all be the same.
    Here several share one, and others have one of their own.
    """

    _KINDS: ClassVar = 8
    _QUALITY: ClassVar = 60

    async def of_video(self, source: BinaryIO) -> Picture:
        return await asyncio.to_thread(self._of_video, source)

    async def of_picture(self, source: BinaryIO) -> Picture:
        raise AssertionError("nobody sends pictures here")

    def _of_video(self, source: BinaryIO) -> Picture:
        content = source.read()
        with av.open(io.BytesIO(content)) as container:
            image = next(container.decode(video=0)).to_image()
        jpeg = io.BytesIO()
        image.save(jpeg, "JPEG", quality=self._QUALITY + content[-1] % self._KINDS)
        return Picture(jpeg.getvalue(), image.width, image.height, "PyAV, Pillow")


class Stalling:
    """A store of which every answer takes a while, at random."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return partial(self._stall, getattr(self._store, name))

    @staticmethod
    async def _stall(call: Callable[..., Any], *arguments: Any) -> Any:
        await asyncio.sleep(random.random() * 0.1)
        return await call(*arguments)


class System:
    """The use cases and job steps on the real stores.

    The keys of `locked_out` are refused by the object store, so that the jobs of a
    worker that has them fail.
    """

    def __init__(
        self,
        container: WorkerContainer,
        locked_out: ObjectStorage,
        leases: IngestLeases,
    ) -> None:
        self.container = container
        self.world = LedgerWorld(
            container.database_threads,
            container.freshness,
            IMPATIENT,
            container.staging.holds,
        )
        ledger, doorbell = self.world.ledger, container.doorbell
        self.ingest_media = IngestMedia(
            ledger,
            doorbell,
            leases,
            container.staging,
            ObjectCheck(container.object_storage),
        )
        self.request_deletion = RequestDeletion(ledger, doorbell)
        self.retry_job = RetryJob(ledger, doorbell)
        self.run_job = RunJob(
            ledger, container.staging, LeaseKeeper(ledger, LeaseTimes()), "worker"
        )
        storage, documents = container.object_storage, container.document_store
        self.steps = self._steps(storage, documents)
        self.failing_steps = self._steps(locked_out, documents)
        self.stalling_steps = self._steps(Stalling(storage), Stalling(documents))

    def _steps(
        self, storage: ObjectStorage, documents: DocumentStore
    ) -> dict[JobKind, JobStep]:
        ledger, staging = self.world.ledger, self.container.staging
        videos = BlobBytes(staging, storage)
        steps: list[JobStep] = [
            UploadToCdn(ledger, staging, storage, self.world.uploads),
            ExtractMetadata(
                ledger, videos, ChildlessMediaInfo(), documents, SystemClock()
            ),
            MakeMiniature(ledger, staging, storage, videos, ChildlessFrames()),
            DeleteMedia(ledger, staging, storage, documents),
        ]
        return {step.kind: step for step in steps}


@dataclass(frozen=True, slots=True)
class OpenJob:
    """Work that is to be done, or being done."""

    media_id: UUID
    kind: JobKind
    is_running: bool


@dataclass
class Content:
    """The bytes that all are about, and what has become of them so far.

    `names` are those under which they were received; `bell` is rung by whoever has done
    something with them.
    """

    data: bytes
    names: list[UUID] = field(default_factory=list)
    media: set[UUID] = field(default_factory=set)
    bell: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    def jobs(self) -> QuerySet[Job]:
        return Job.objects.filter(media__in=self.media)

    @sync_to_async
    def open_jobs(self) -> list[OpenJob]:
        """Without the ORM: nothing is asked as often."""
        with connection.cursor() as cursor:
            cursor.execute(_OPEN_JOBS, [list(self.media), list(OPEN_JOBS)])
            return [
                OpenJob(media_id, JobKind(kind), status == JobStatus.RUNNING)
                for media_id, kind, status in cursor.fetchall()
            ]

    @sync_to_async
    def all_media(self) -> list[Media]:
        """Tombstones too."""
        return list(Media.objects.filter(uuid__in=self.media).select_related("video"))


class Owner:
    """Uploads, deletes and retries in an order that was thrown by dice."""

    def __init__(
        self, system: System, caller: Caller, content: Content, dice: Random
    ) -> None:
        self._system = system
        self._caller = caller
        self._content = content
        self._dice = dice
        self._mine: list[UUID] = []

    async def act(self) -> None:
        deeds = [self.upload, self.delete, self.retry]
        chosen = self._dice.choices(deeds, [3, 3, 1], k=self._dice.randint(1, 2))
        for deed in chosen:
            await asyncio.sleep(self._dice.random() * 0.06)
            # Somebody or something else was faster, and was allowed to be.
            with suppress(MediaNotFound, Conflict):
                await (deed if self._mine else self.upload)()
            self._content.bell.release()

    async def upload(self) -> None:
        incoming = await self._system.container.staging.receive()
        self._content.names.append(incoming.name)
        await incoming.write(self._content.data)
        new = NewMedia(
            owner_id=self._caller.user_id,
            session_id=self._caller.session_id,
            title="A title",
            description="",
            file_name="clip.mp4",
            container=MP4,
            file=await incoming.seal(),
        )
        ingested = await self._system.ingest_media.execute(new, incoming)
        self._mine.append(ingested.media_id)
        self._content.media.add(ingested.media_id)

    async def delete(self) -> None:
        await self._delete(self._dice.choice(self._mine))

    async def retry(self) -> None:
        media_id, kind = self._dice.choice(self._mine), self._dice.choice(list(JobKind))
        failed = self._content.jobs().filter(media=media_id, status="failed")
        if (job := await failed.afirst()) is not None:
            kind = JobKind(job.kind)
        await self._system.retry_job.execute(media_id, kind, self._caller, "")

    async def delete_all(self) -> None:
        for media_id in set(self._mine):
            with suppress(MediaNotFound):
                await self._delete(media_id)
            self._content.bell.release()

    async def _delete(self, media_id: UUID) -> None:
        await self._system.request_deletion.execute(media_id, self._caller, "")


class Worker:
    """Looks for open jobs itself and works on them, not always well."""

    def __init__(self, system: System, content: Content, dice: Random) -> None:
        self._system = system
        self._content = content
        self._dice = dice
        self._ways: list[tuple[int, Callable[..., Coroutine[Any, Any, None]]]] = [
            (75, self._work),
            (12, self._work_without_rights),
            (4, self._be_told_to_stop),
            (9, self._freeze),
        ]

    async def act(self, are_owners_done: asyncio.Event) -> None:
        """Until there is no open job, and the owners will not open one."""
        bell = self._content.bell
        while True:
            await bell.acquire()
            were_done = are_owners_done.is_set()
            jobs = await self._content.open_jobs()
            if not jobs and were_done:
                bell.release()
                return
            if promising := [job for job in jobs if self._is_promising(job, jobs)]:
                if len(promising) > 1 or self._dice.random() < 0.2:
                    bell.release()
                job = self._dice.choice(promising)
                await self._take(job.media_id, job.kind)
                bell.release()

    def _is_promising(self, job: OpenJob, jobs: list[OpenJob]) -> bool:
        """Usually leaves alone what has to wait for another attempt."""
        running = [one for one in jobs if one.is_running]
        if job.kind == JobKind.DELETE_MEDIA:
            waits = any(one.media_id == job.media_id for one in running)
        else:
            waits = any(
                one.kind == job.kind == JobKind.UPLOAD_TO_CDN for one in running
            )
        return not job.is_running and (not waits or self._dice.random() < 0.1)

    async def _take(self, media_id: UUID, kind: JobKind) -> None:
        weights, ways = zip(*self._ways, strict=True)
        (way,) = self._dice.choices(ways, weights)
        await way(media_id, kind)

    async def _work(self, media_id: UUID, kind: JobKind) -> None:
        await self._system.run_job.execute(media_id, self._system.steps[kind])

    async def _work_without_rights(self, media_id: UUID, kind: JobKind) -> None:
        await self._system.run_job.execute(media_id, self._system.failing_steps[kind])

    async def _be_told_to_stop(self, media_id: UUID, kind: JobKind) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._dice.random() * 0.02):
                await self._work(media_id, kind)

    async def _freeze(self, media_id: UUID, kind: JobKind) -> None:
        """Lose the lease in the middle of the work, and go on with it all the same."""
        ledger = self._system.world.ledger
        claim = await ledger.claim(media_id, kind, "frozen")
        if claim is None:
            return
        step = self._system.stalling_steps[kind]
        work = asyncio.create_task(step.run(claim, Progress(1)))
        await asyncio.sleep(self._dice.random() * 0.02)
        await self._lose_lease(claim)
        await ledger.reclaim_lost()
        self._content.bell.release()
        # Its bytes may be gone by now, or its worker have no right to the job.
        with suppress(JobFailed):
            await work

    @staticmethod
    async def _lose_lease(claim: Claim) -> None:
        held = Job.objects.filter(uuid=claim.job_id, fence=claim.fence)
        past = timezone.now() - timedelta(seconds=1)
        await held.filter(status=JobStatus.RUNNING).aupdate(lease_until=past)


@dataclass
class Seen:
    """After how many interleavings there were media that are ready, or share a blob."""

    ready: int = 0
    shared: int = 0

    def add(self, other: "Seen") -> None:
        self.ready += other.ready
        self.shared += other.shared


class Interleavings:
    """Several in a row with the same bytes: each finds what the one before has left."""

    WORKERS = 3

    def __init__(
        self, system: System, clip: bytes, seed: str, owners: list[Caller]
    ) -> None:
        self._system = system
        # What follows the boxes of an MP4 is one more box, which players skip.
        tail = hashlib.sha256(seed.encode()).digest()
        self.content = Content(clip + b"\0\0\0\x28free" + tail)
        self.seen = Seen()
        self._dice = dice = Random(seed)
        self._owners = [Owner(system, one, self.content, dice) for one in owners]
        self._workers = [
            Worker(system, self.content, dice) for _ in range(self.WORKERS)
        ]

    async def run(self, times: int) -> None:
        for _ in range(times):
            some = self._dice.sample(self._owners, self._dice.choice([2, 2, 2, 3]))
            await self._together([owner.act() for owner in some])
            await self._check_ready()
        await self._together([owner.delete_all() for owner in self._owners])
        await self._check_gone()

    async def _together(self, deeds: list[Coroutine[Any, Any, None]]) -> None:
        are_owners_done = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for worker in self._workers:
                tasks.create_task(worker.act(are_owners_done))
            async with asyncio.TaskGroup() as owners:
                for deed in deeds:
                    owners.create_task(deed)
            are_owners_done.set()
            self.content.bell.release()

    async def _check_ready(self) -> None:
        """Nothing is open any more, so every media has come to its end."""
        seen = await self.content.all_media()
        assert {m.status for m in seen} <= {"ready", "failed", "deleted"}, seen
        ready = [media for media in seen if media.status == "ready"]
        blobs = {media.blob.uuid: media.blob for media in ready}
        assert len(blobs) <= 1
        self.seen.add(Seen(ready=len(ready) > 0, shared=len(ready) > 1))
        for blob in blobs.values():
            await self._check_whole(blob)
        miniatures = Url.objects.filter(media__in=seen, kind=UrlKind.MINIATURE)
        async for key in miniatures.values_list("object_key", flat=True):
            storage = self._system.container.object_storage
            assert await storage.stat(ObjectKey(key)), f"{key} is missing"

    async def _check_whole(self, blob: Blob) -> None:
        container = self._system.container
        stored = await container.object_storage.download(ObjectKey(blob.object_key))
        assert stored is not None, f"{blob.object_key} is missing"
        with stored:
            assert stored.read() == self.content.data
        document = await container.document_store.find(blob.uuid)
        assert document is not None, f"the document of {blob.uuid} is missing"
        assert document.sha256 == self.content.sha256

    async def _check_gone(self) -> None:
        left = await self.content.all_media()
        assert {media.status for media in left} == {"deleted"}
        assert not await Blob.objects.filter(sha256=self.content.sha256).aexists()

    @staticmethod
    @sync_to_async
    def owners(number: int) -> list[Caller]:
        """So many, signed in."""
        made: list[Session] = [
            LedgerWorld.session(f"owner-{n}@example.org") for n in range(number)
        ]
        return [LedgerWorld.caller(session) for session in made]
