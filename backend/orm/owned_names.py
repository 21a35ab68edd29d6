"""What the tables and open jobs still own in other stores."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef

from backend.domain.jobs import JobKind
from backend.domain.states import OPEN_JOBS, JobStatus
from backend.orm.blob_use import BlobUse
from backend.orm.leftovers_json import LeftoversJson
from backend.orm.models import Blob, Job
from backend.orm.staged_holds import StagedHold
from backend.use_cases.ports import HeldUpload

_LEFTOVERS = """
    SELECT pair->>1 FROM job, jsonb_array_elements(leftovers) pair
     WHERE status = ANY(%s) AND pair->>0 = %s AND pair->>1 = ANY(%s)
"""


class OwnedNames:
    """Which things of other stores have an owner; also used inside transactions."""

    @classmethod
    def objects(cls, keys: Collection[str]) -> set[str]:
        known = Blob.objects.filter(object_key__in=keys)
        owned = set(known.values_list("object_key", flat=True))
        return owned | cls._leftovers(LeftoversJson.OBJECT, keys)

    @classmethod
    def documents(cls, blob_ids: Collection[UUID]) -> set[UUID]:
        known = Blob.objects.filter(uuid__in=blob_ids)
        owned = set(known.values_list("uuid", flat=True))
        named = cls._leftovers(LeftoversJson.DOCUMENT, map(str, blob_ids))
        return owned | set(map(UUID, named))

    @classmethod
    def files(cls, names: Collection[UUID]) -> set[UUID]:
        """Includes pictures of failed jobs, which may be retried, and files being
        received into the object store."""
        blobs = BlobUse.needing_staged_file().filter(staged_name__in=names)
        pictures = Job.objects.filter(staged_name__in=names)
        named = cls._leftovers(LeftoversJson.STAGED_FILE, map(str, names))
        return {
            *blobs.values_list("staged_name", flat=True),
            *(name for name in pictures.values_list("staged_name", flat=True) if name),
            *map(UUID, named),
            *StagedHold.held(names),
        }

    @classmethod
    def uploads(cls, uploads: Sequence[HeldUpload]) -> set[str]:
        """Uploads that an attempt is making, or that the next one will resume."""
        keys = {str(upload.key) for upload in uploads}
        upload_ids = {upload.upload_id for upload in uploads}
        # Whatever the state of the blob: a stored one is put again if it is unknown
        # whether its object exists.
        waiting = Blob.objects.filter(
            cls._uploading(OPEN_JOBS), multipart_upload__upload_id__in=upload_ids
        )
        named = set(waiting.values_list("multipart_upload__upload_id", flat=True))
        # Whose name the attempt may not have noted yet.
        putting = Blob.objects.filter(
            cls._uploading([JobStatus.RUNNING]), object_key__in=keys
        )
        busy = set(putting.values_list("object_key", flat=True))
        return named | {one.upload_id for one in uploads if str(one.key) in busy}

    @staticmethod
    def _uploading(statuses: Collection[JobStatus]) -> Exists:
        """Blobs with a job in one of these states that uploads them."""
        jobs = Job.objects.filter(
            media__video=OuterRef("uuid"),
            kind=JobKind.UPLOAD_TO_CDN,
            status__in=statuses,
        )
        return Exists(jobs)

    @staticmethod
    def _leftovers(store: str, names: Iterable[str]) -> set[str]:
        """What an open job has removed from the tables and is about to remove
        elsewhere."""
        values: list[Any] = [list(OPEN_JOBS), store, list(names)]
        with connection.cursor() as cursor:
            cursor.execute(_LEFTOVERS, values)
            return {name for (name,) in cursor.fetchall()}
