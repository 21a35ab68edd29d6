"""The records of attempts about uploads in parts."""

from django.db import transaction
from django.db.models import QuerySet

from backend.orm.database_threads import DatabaseThreads
from backend.orm.held_job import HeldJob, LeaseLost
from backend.orm.models import Blob, MultipartUpload, UploadedPart
from backend.orm.transactions import Transactions
from backend.use_cases.ports import BegunUpload, Claim, SentPart


class MultipartUploads:
    """Notes of one blob; `begin` and `note` raise `LeaseLost` and lock blob and job."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._blob_id = claim.blob.uuid

    @transaction.atomic
    def begun(self) -> BegunUpload | None:
        found = self._rows.first()
        if found is None:
            return None
        parts = found.parts.order_by("number").values_list(
            "number", "etag", "sha256", "confirmed"
        )
        return BegunUpload(
            found.upload_id,
            found.part_bytes,
            tuple(SentPart(*part) for part in parts.iterator()),
        )

    @transaction.atomic
    def begin(self, upload_id: str, part_bytes: int) -> None:
        self._lock()
        self._rows.delete()
        MultipartUpload.objects.create(
            blob_id=self._blob_id, upload_id=upload_id, part_bytes=part_bytes
        )

    @transaction.atomic
    def note(self, upload_id: str, part: SentPart) -> None:
        self._lock()
        if not self._rows.filter(upload_id=upload_id).exists():
            raise LeaseLost
        UploadedPart.objects.update_or_create(
            multipart_upload_id=self._blob_id,
            number=part.number,
            defaults={
                "etag": part.etag,
                "sha256": part.sha256,
                "confirmed": part.confirmed,
            },
        )

    @property
    def _rows(self) -> QuerySet[MultipartUpload]:
        return MultipartUpload.objects.filter(blob=self._blob_id)

    def _lock(self) -> None:
        """Another media's job may have been given the same blob meanwhile."""
        blobs = Blob.objects.select_for_update(no_key=True)
        blobs.filter(uuid=self._blob_id).first()
        HeldJob.of(self._claim).lock()


class DjangoUploadJournal:
    """The `UploadJournal` port."""

    def __init__(self, transactions: Transactions, claim: Claim) -> None:
        self._transactions = transactions
        self._uploads = MultipartUploads(claim)

    async def begun(self) -> BegunUpload | None:
        return await self._transactions.run(self._uploads.begun)

    async def begin(self, upload_id: str, part_bytes: int) -> None:
        await self._transactions.held(self._uploads.begin, upload_id, part_bytes)

    async def sent(self, upload_id: str, part: SentPart) -> None:
        await self._transactions.held(self._uploads.note, upload_id, part)


class DjangoMultipartLedger:
    """The `MultipartLedger` port."""

    def __init__(self, threads: DatabaseThreads) -> None:
        self._transactions = Transactions(threads)

    def journal(self, claim: Claim) -> DjangoUploadJournal:
        return DjangoUploadJournal(self._transactions, claim)
