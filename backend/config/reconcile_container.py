"""The comparison and repair of the stores: in the worker and by hand."""

from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property

from backend.config.container import Container
from backend.orm.blob_repairs import BlobRepairs
from backend.orm.consistency_repairs import DjangoConsistencyRepairs
from backend.orm.consistency_rows import DjangoConsistencyRows
from backend.orm.database_threads import DatabaseThreads
from backend.orm.object_repairs import ObjectRepairs
from backend.orm.reconciliations import DjangoReconciliations
from backend.orm.unowned_repairs import UnownedRepairs
from backend.use_cases.comparisons.base import Comparison
from backend.use_cases.comparisons.documents import DocumentsComparison
from backend.use_cases.comparisons.idle_media import IdleMediaComparison
from backend.use_cases.comparisons.objects import ObjectsComparison
from backend.use_cases.comparisons.returned import ReturnedObjects
from backend.use_cases.comparisons.staged_files import StagedFilesComparison
from backend.use_cases.comparisons.unused_blobs import UnusedBlobsComparison
from backend.use_cases.comparisons.uploads import UploadsComparison
from backend.use_cases.ports import (
    ConsistencyRepairs,
    ConsistencyRows,
    Reconciliations,
)
from backend.use_cases.ports.metrics import UNOBSERVED, StagedObserver
from backend.use_cases.reconcile_all import ReconcileAll
from backend.use_cases.reconcile_turn import ReconcileTurn

# One thing is done after another.
DATABASE_THREADS = 1
# No request waits for it; a page of a large database may take a while.
DATABASE_ANSWER_SECONDS = 12.0


class ReconcileContainer(Container):
    """Builds the comparisons, on connections of their own.

    In a worker they have a loop of their own, and connections belong to a loop.
    """

    @cached_property
    def database_threads(self) -> DatabaseThreads:
        return DatabaseThreads(DATABASE_THREADS, answer_seconds=DATABASE_ANSWER_SECONDS)

    @cached_property
    def reconcile_turn(self) -> ReconcileTurn:
        return ReconcileTurn(
            self.comparisons, self.consistency_rows, self.reconciliations
        )

    @cached_property
    def reconcile_all(self) -> ReconcileAll:
        return ReconcileAll(
            self.comparisons, self.consistency_rows, self.reconciliations
        )

    @cached_property
    def comparisons(self) -> Sequence[Comparison]:
        """Rows first, because removing them leaves their contents without an owner.

        Then the kinds of which many at once mean that nothing should be removed.
        """
        rows, repairs = self.consistency_rows, self.consistency_repairs
        objects, documents = self.object_inventory, self.document_inventory
        storage = self.object_storage
        return [
            UnusedBlobsComparison(rows, repairs),
            IdleMediaComparison(rows, repairs),
            ObjectsComparison(
                rows, repairs, objects, storage, ReturnedObjects(storage)
            ),
            DocumentsComparison(rows, repairs, documents, self.document_store),
            StagedFilesComparison(
                rows, repairs, self.staged_inventory, self.staged_observer
            ),
            UploadsComparison(rows, repairs, objects),
        ]

    @cached_property
    def staged_observer(self) -> StagedObserver:
        return UNOBSERVED

    @cached_property
    def consistency_rows(self) -> ConsistencyRows:
        return DjangoConsistencyRows(self.database_threads, self.grace)

    @cached_property
    def consistency_repairs(self) -> ConsistencyRepairs:
        return DjangoConsistencyRepairs(
            self.database_threads,
            self.freshness,
            ObjectRepairs(self.staging.holds),
            BlobRepairs(self.grace),
            UnownedRepairs(self.staged_inventory),
        )

    @cached_property
    def reconciliations(self) -> Reconciliations:
        return DjangoReconciliations(self.database_threads)

    @property
    def grace(self) -> timedelta:
        return timedelta(seconds=self.environment.reconcile_grace_seconds)
