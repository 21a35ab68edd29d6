"""Stores of its own for a test that compares them: whatever is in them is known."""

import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection

from backend.config.environment import Environment
from backend.config.reconcile_container import ReconcileContainer
from backend.config.worker_container import WorkerContainer
from backend.domain.consistency import Outcome
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind
from backend.domain.media import Caller, Ingested, NewMedia, ObjectKey, Picture
from backend.domain.metadata import BlobMetadata, MetadataReport
from backend.domain.sightings import ObjectUnseen
from backend.orm.models import Blob, ConsistencyReport, Media, Reconciliation
from backend.use_cases.object_check import ObjectCheck
from backend.use_cases.reconcile_all import Reconciled
from tests.calm import Calm
from tests.ledger_world import MP4, SUMMARY, LedgerWorld

PICTURE = b"\xff\xd8 a picture \xff\xd9"


class ReconcileWorld:
    """A worker and a reconciler on the real servers, in a bucket, a database of MongoDB
    and a staging folder that nobody else uses."""

    BUCKET = "compared"

    def __init__(self, environment: Environment) -> None:
        self.staging_dir = environment.staging_dir
        self.worker = WorkerContainer(environment)
        Calm.make(self.worker)
        self.container = ReconcileContainer(environment)
        Calm.make(self.container)
        self.ledger = self.worker.media_ledger
        self.told: list[Outcome] = []

    @staticmethod
    def environment(folder: Path, **changes: Any) -> Environment:
        """Without any grace, unless a test is about that."""
        address = os.environ["MONGO_URL"].replace("/mediaproject", "/compared")
        mongo = type(settings.ENVIRONMENT.mongo_url)(address)
        usual = {
            "s3_bucket": ReconcileWorld.BUCKET,
            "mongo_url": mongo,
            "staging_dir": folder,
            "reconcile_grace_seconds": 0,
        }
        environment: Environment = settings.ENVIRONMENT
        return environment.model_copy(update=usual | changes)

    @classmethod
    @asynccontextmanager
    async def running(
        cls, folder: Path, **changes: Any
    ) -> AsyncIterator["ReconcileWorld"]:
        world = cls(cls.environment(folder, **changes))
        try:
            await world.worker.object_storage.prepare()
            yield world
            await world.empty()
        finally:
            await world.container.close()
            await world.worker.close()

    async def empty(self) -> None:
        inventory = self.container.object_inventory
        for held in await inventory.objects("", 1_000):
            await self.worker.object_storage.remove(held.key)
        for upload in await inventory.unfinished():
            await inventory.abort(upload)
        for document in await self.container.document_inventory.documents(None, 1_000):
            await self.worker.document_store.remove(document.blob_id)

    # What there is.

    async def taken_in(
        self, content: bytes = b"some video", email: str = "owner@example.org"
    ) -> UUID:
        """A media with its bytes staged, and its jobs."""
        session = await sync_to_async(LedgerWorld.session)(email)
        incoming = await self.worker.staging.receive()
        await incoming.write(content)
        file = await incoming.seal()
        new = NewMedia(
            owner_id=session.user_id,
            session_id=session.uuid,
            title="A title",
            description="",
            file_name="clip.mp4",
            container=MP4,
            file=file,
        )
        ingested = await self._ingested(new)
        await (incoming.keep() if ingested.keeps_staged_file else incoming.discard())
        return ingested.media_id

    async def _ingested(self, new: NewMedia) -> Ingested:
        """Of bytes that are stored their object is looked for first."""
        try:
            return await self.ledger.ingest(new)
        except ObjectUnseen as unseen:
            check = ObjectCheck(self.worker.object_storage)
            return await self.ledger.ingest(new, await check.look(unseen.blob))

    async def ready(
        self, content: bytes = b"some video", email: str = "owner@example.org"
    ) -> UUID:
        """A media whose object and document are there, and nothing else of it."""
        media_id = await self.taken_in(content, email)
        await self.published(media_id)
        await self.described(media_id)
        await self.without_miniature(media_id)
        assert (await self.media(media_id)).status == "ready"
        return media_id

    async def published(self, media_id: UUID) -> None:
        actors = {actor.kind: actor for actor in self.worker.actors}
        await actors[JobKind.UPLOAD_TO_CDN].perform(media_id)

    async def described(self, media_id: UUID) -> None:
        claim = await self.ledger.claim(media_id, JobKind.EXTRACT_METADATA, "test")
        assert claim is not None
        await self.put_document(claim.blob.uuid, claim.blob.sha256)
        for name in await self.ledger.mark_described(claim, SUMMARY):
            await self.worker.staging.remove(name)

    async def without_miniature(self, media_id: UUID) -> None:
        """Its job is over, and nothing came of it."""
        claim = await self.ledger.claim(media_id, JobKind.MAKE_MINIATURE, "test")
        assert claim is not None
        nothing = JobFailed(FailureCode.UNREADABLE_PICTURE, "no frame")
        for name in await self.ledger.fail(claim, nothing):
            await self.worker.staging.remove(name)

    async def pictured(self, media_id: UUID, content: bytes = PICTURE) -> Blob:
        """The media shows this picture from now on."""
        claim = await self.ledger.claim(media_id, JobKind.MAKE_MINIATURE, "test")
        assert claim is not None
        picture = Picture(content, 4, 3, "test")
        ref = await self.ledger.begin_picture(claim, picture)
        await self.put_object(ref.object_key, content)
        assert await self.ledger.show_picture(claim) == ()
        await self.ledger.mark_pictured(claim)
        return await Blob.objects.aget(uuid=ref.uuid)

    async def put_object(self, key: ObjectKey, content: bytes) -> None:
        client = self.worker.s3_connection.client
        digest = hashlib.sha256(content).hexdigest()
        client.put_object(
            Bucket=self.BUCKET, Key=str(key), Body=content, Metadata={"sha256": digest}
        )

    def begin_upload(self, key: ObjectKey) -> str:
        """The id of a multipart upload that nobody ends."""
        client = self.worker.s3_connection.client
        begun = client.create_multipart_upload(Bucket=self.BUCKET, Key=str(key))
        return str(begun["UploadId"])

    async def put_document(self, blob_id: UUID, sha256: str = "0" * 64) -> None:
        report = MetadataReport((), "MediaInfo", "1", truncated=False)
        now = datetime.now(UTC)
        await self.worker.document_store.save(
            BlobMetadata(blob_id, sha256, now, report)
        )

    def put_file(self, name: UUID | None = None, content: bytes = b"left") -> UUID:
        name = name or uuid4()
        self.staging_dir.mkdir(exist_ok=True)
        (self.staging_dir / str(name)).write_bytes(content)
        return name

    async def remove_object(self, media_id: UUID) -> bytes:
        """By hand, past everybody; returns what it was."""
        blob = await self.blob(media_id)
        key = ObjectKey(blob.object_key)
        file = await self.worker.object_storage.download(key)
        assert file is not None
        with file:
            content = file.read()
        await self.worker.object_storage.remove(key)
        return content

    async def remove_document(self, media_id: UUID) -> None:
        await self.worker.document_store.remove((await self.blob(media_id)).uuid)

    # What can be seen.

    async def media(self, media_id: UUID) -> Media:
        return await Media.objects.aget(uuid=media_id)

    async def blob(self, media_id: UUID) -> Blob:
        return await Blob.objects.aget(media=media_id)

    async def holds(self, key: ObjectKey | str) -> bool:
        key = ObjectKey(str(key))
        return await self.worker.object_storage.stat(key) is not None

    async def has_document(self, blob_id: UUID) -> bool:
        return await self.worker.document_store.find(blob_id) is not None

    def has_file(self, name: UUID) -> bool:
        return (self.staging_dir / str(name)).exists()

    # What is done.

    async def plan(self) -> list[tuple[str, str, str]]:
        """What is found: kind, key and action of each."""
        await self.reconcile(apply=False)
        return [
            (one.finding.kind.value, one.finding.key, one.finding.action)
            for one in self.told
        ]

    async def reconcile(self, *, apply: bool = True) -> Reconciled:
        """By hand; `told` is what has been said."""
        self.told = []
        return await self.container.reconcile_all.execute(self.told.append, apply=apply)

    async def repairs(self) -> list[tuple[str, str]]:
        """By hand: what was found, and what came of it."""
        await self.reconcile()
        return [(one.finding.kind.value, one.repair.value) for one in self.told]

    async def turn(self) -> None:
        """That of a worker, at once."""
        await Reconciliation.objects.aupdate(due_at=datetime.now(UTC))
        await self.container.reconcile_turn.execute()

    @staticmethod
    def has_report() -> bool:
        """Blocking, on any thread."""
        try:
            return ConsistencyReport.objects.exists()
        finally:
            connection.close()

    @staticmethod
    async def report() -> list[dict[str, Any]]:
        report = await ConsistencyReport.objects.aget()
        findings: list[dict[str, Any]] = report.findings
        return findings

    async def delete(self, media_id: UUID, email: str = "owner@example.org") -> None:
        await self.ledger.delete(media_id, await self._caller(email), "")

    async def retry(self, media_id: UUID, kind: JobKind) -> None:
        caller = await self._caller("owner@example.org")
        await self.ledger.retry(media_id, kind, caller, "")

    @staticmethod
    async def _caller(email: str) -> Caller:
        session = await sync_to_async(LedgerWorld.session)(email)
        caller: Caller = await sync_to_async(LedgerWorld.caller)(session)
        return caller

    @staticmethod
    @asynccontextmanager
    async def made_anew() -> AsyncIterator[None]:
        """As if the database had been made after everything that is in the stores."""
        await ReconcileWorld._shift_migrations("1 day")
        try:
            yield
        finally:
            await ReconcileWorld._shift_migrations("-1 day")

    @staticmethod
    @sync_to_async
    def _shift_migrations(by: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE django_migrations SET applied = applied + %s::interval", [by]
            )
