"""What use cases need from the outside world, in the words of the domain.

Every method raises the errors it names; anything else is a defect.
"""

from backend.use_cases.ports.accounts import (
    AccountLedger,
    Callers,
    EndedSessions,
    LiveSessions,
    PasswordHasher,
    RoleLedger,
    SessionLedger,
    TokenIssuer,
    UserLedger,
)
from backend.use_cases.ports.attempts import AttemptLimiter, FamiliarClients
from backend.use_cases.ports.consistency import (
    ConsistencyRepairs,
    ConsistencyRows,
    KnownDocument,
    KnownObject,
    Reconciliations,
    Turn,
    UnusedBlobs,
)
from backend.use_cases.ports.freshness import AnswerCache, Freshness
from backend.use_cases.ports.inventories import (
    DocumentInventory,
    HeldDocument,
    HeldFile,
    HeldObject,
    HeldUpload,
    ObjectInventory,
    StagedInventory,
)
from backend.use_cases.ports.makers import MetadataExtractor, PictureMaker
from backend.use_cases.ports.media_ledger import (
    Claim,
    DueJob,
    MediaLedger,
    Reclaimed,
    StagedNames,
)
from backend.use_cases.ports.multipart import (
    BegunUpload,
    MultipartLedger,
    SentPart,
    UploadJournal,
)
from backend.use_cases.ports.signals import Clock, Doorbell, IngestLeases, KnownBlob
from backend.use_cases.ports.stores import (
    ByteCounter,
    CdnAddresses,
    CdnCache,
    DocumentStore,
    DownloadAddresses,
    IncomingFile,
    ObjectProbe,
    ObjectStorage,
    StagedHolds,
    Staging,
    StoredObject,
)

__all__ = [
    "AccountLedger",
    "AnswerCache",
    "AttemptLimiter",
    "BegunUpload",
    "ByteCounter",
    "Callers",
    "CdnAddresses",
    "CdnCache",
    "Claim",
    "Clock",
    "ConsistencyRepairs",
    "ConsistencyRows",
    "DocumentInventory",
    "DocumentStore",
    "Doorbell",
    "DownloadAddresses",
    "DueJob",
    "EndedSessions",
    "FamiliarClients",
    "Freshness",
    "HeldDocument",
    "HeldFile",
    "HeldObject",
    "HeldUpload",
    "IncomingFile",
    "IngestLeases",
    "KnownBlob",
    "KnownDocument",
    "KnownObject",
    "LiveSessions",
    "MediaLedger",
    "MetadataExtractor",
    "MultipartLedger",
    "ObjectInventory",
    "ObjectProbe",
    "ObjectStorage",
    "PasswordHasher",
    "PictureMaker",
    "Reclaimed",
    "Reconciliations",
    "RoleLedger",
    "SentPart",
    "SessionLedger",
    "StagedHolds",
    "StagedInventory",
    "StagedNames",
    "Staging",
    "StoredObject",
    "TokenIssuer",
    "Turn",
    "UnusedBlobs",
    "UploadJournal",
    "UserLedger",
]
