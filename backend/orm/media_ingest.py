"""The transaction that takes a received video in."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection, transaction

from backend.domain.errors import (
    CommitUnknown,
    InvalidToken,
    RightMissing,
    StagedFileGone,
)
from backend.domain.jobs import INGEST_JOBS
from backend.domain.media import Ingested, NewMedia, ObjectKey
from backend.domain.rights import Right
from backend.domain.states import LIVE_MEDIA, BlobState
from backend.orm.intervals import FIRST_RING_DELAY, FromNow
from backend.orm.models import Blob, Job, Media

# The user, the user's role and the session stay as they are until the commit. The user
# is locked first, as by everybody who takes both.
_LOCK_USER = """
    SELECT account.is_active, role.rights
      FROM "user" account
      JOIN role ON role.name = account.role_id
     WHERE account.uuid = %s
       FOR SHARE
"""
_LOCK_SESSION = """
    SELECT revoked_at IS NULL AND expires_at > now()
      FROM session
     WHERE uuid = %s AND user_id = %s
       FOR SHARE
"""
_INSERT_BLOB = """
    INSERT INTO blob
           (uuid, sha256, size_bytes, media_type, object_key, staged_name, state)
    VALUES (%s, %s, %s, %s, %s, %s, 'staged')
    ON CONFLICT (sha256) DO NOTHING
"""


class MediaIngest:
    """Decides whether received bytes are new, shared or a duplicate, and writes it.

    Locks in the order of all ledger transactions: user, blob, media, job.
    `is_staged` tells whether a staged file is there.
    """

    def __init__(self, is_staged: Callable[[UUID], bool]) -> None:
        self._is_staged = is_staged

    def execute(self, new: NewMedia) -> Ingested:
        """Raises what `MediaLedger.ingest` names."""
        ingested: Ingested | None = None
        try:
            with transaction.atomic():
                ingested = self._write(new)
        except (OperationalError, InterfaceError) as error:
            if ingested is None:
                raise
            # Everything was written and only the answer to COMMIT is missing.
            raise CommitUnknown from error
        return ingested

    def _write(self, new: NewMedia) -> Ingested:
        self._lock_staged_name(new.file.name)
        self._check_caller(new)
        blob = self._blob(new)
        needs_file = self._needs_file(new, blob)
        twin = self._live_media(new.owner_id, blob)
        if twin is not None:
            return Ingested(twin, False, True, keeps_staged_file=needs_file)
        media = self._create_media(new, blob)
        is_known = blob.uuid != new.file.name
        return Ingested(media.uuid, True, is_known, keeps_staged_file=needs_file)

    @staticmethod
    def _lock_staged_name(name: UUID) -> None:
        """The sweep of staged files takes the same lock before it removes one."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [str(name)]
            )

    @staticmethod
    def _check_caller(new: NewMedia) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_LOCK_USER, [new.owner_id])
            user: tuple[Any, ...] | None = cursor.fetchone()
            cursor.execute(_LOCK_SESSION, [new.session_id, new.owner_id])
            session: tuple[Any, ...] | None = cursor.fetchone()
        if not user or not user[0] or not session or not session[0]:
            raise InvalidToken
        if Right.MEDIA_CREATE not in user[1]:
            raise RightMissing(f"This needs the right {Right.MEDIA_CREATE}.")

    def _blob(self, new: NewMedia) -> Blob:
        """The blob of these bytes, locked; it waits for a twin that is being written."""
        while True:
            self._insert_blob(new)
            locked = Blob.objects.select_for_update(no_key=True)
            blob = locked.filter(sha256=new.file.sha256).first()
            if blob is not None:
                return blob

    @staticmethod
    def _insert_blob(new: NewMedia) -> None:
        key = ObjectKey.video(new.file.name, new.container.extension)
        values: list[UUID | str | int] = [
            new.file.name,
            new.file.sha256,
            new.file.size_bytes,
            new.container.media_type,
            str(key),
            new.file.name,
        ]
        with connection.cursor() as cursor:
            cursor.execute(_INSERT_BLOB, values)

    def _needs_file(self, new: NewMedia, blob: Blob) -> bool:
        """Whether the received file is the one that the blob lives on from now on.

        So it is for new bytes, and for those whose own staged file was lost before
        they were stored. Raises `StagedFileGone`.
        """
        if blob.state != BlobState.STAGED:
            return False
        if blob.staged_name != new.file.name and self._is_staged(blob.staged_name):
            return False
        if not self._is_staged(new.file.name):
            raise StagedFileGone
        Blob.objects.filter(uuid=blob.uuid).update(staged_name=new.file.name)
        return True

    @staticmethod
    def _live_media(owner_id: UUID, blob: Blob) -> UUID | None:
        live = Media.objects.filter(owner=owner_id, video=blob, status__in=LIVE_MEDIA)
        return live.values_list("uuid", flat=True).first()

    @staticmethod
    def _create_media(new: NewMedia, blob: Blob) -> Media:
        media = Media.objects.create(
            title=new.title,
            description=new.description,
            file_name=new.file_name,
            owner_id=new.owner_id,
            video=blob,
        )
        Job.objects.bulk_create(
            Job(
                media=media,
                kind=kind,
                request_id=new.request_id,
                # The API rings at once; the sweeper only if that got lost.
                ring_after=FromNow(FIRST_RING_DELAY),
            )
            for kind in INGEST_JOBS
        )
        return media
