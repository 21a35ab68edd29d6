"""The tables of PostgreSQL: users, media and their jobs."""

from backend.orm.models.accounts import Role, Session, User
from backend.orm.models.jobs import Job, JobAttempt
from backend.orm.models.media import Blob, Media, Miniature, Url
from backend.orm.models.operations import (
    ConsistencyReport,
    JobPause,
    Reconciliation,
    WorkerHeartbeat,
    WorkerTally,
)
from backend.orm.models.uploads import MultipartUpload, UploadedPart

__all__ = [
    "Blob",
    "ConsistencyReport",
    "Job",
    "JobAttempt",
    "JobPause",
    "Media",
    "Miniature",
    "MultipartUpload",
    "Reconciliation",
    "Role",
    "Session",
    "UploadedPart",
    "Url",
    "User",
    "WorkerHeartbeat",
    "WorkerTally",
]
