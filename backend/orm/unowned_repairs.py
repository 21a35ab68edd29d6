"""The transactions that give up things without an owner."""

from uuid import UUID

from django.db import transaction

from backend.orm.models import Blob
from backend.orm.owned_names import OwnedNames
from backend.orm.staged_lock import StagedLock
from backend.use_cases.ports import HeldUpload, StagedInventory


class UnownedRepairs:
    """Check again under the same locks that a claim of the thing would take."""

    def __init__(self, staged: StagedInventory) -> None:
        self._staged = staged

    @transaction.atomic
    def remove_staged(self, name: UUID) -> bool:
        """Locks as an ingest does, and the blob too: one that is to be stored again goes
        back to its staged file. Raises `StagingAway`."""
        StagedLock.take(name)
        self._lock(staged_name=name)
        if OwnedNames.files([name]):
            return False
        return self._staged.remove_unheld(name)

    @transaction.atomic
    def give_up_upload(self, upload: HeldUpload) -> bool:
        """An attempt begins with its blob locked."""
        self._lock(object_key=str(upload.key))
        return not OwnedNames.uploads([upload])

    @staticmethod
    def _lock(**which: UUID | str) -> None:
        Blob.objects.select_for_update(no_key=True).filter(**which).first()
