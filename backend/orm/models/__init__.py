"""The tables of `design.md` section 2."""

from backend.orm.models.accounts import Role, Session, User
from backend.orm.models.jobs import Job, JobAttempt
from backend.orm.models.media import Blob, Media, Miniature, Url
from backend.orm.models.operations import ConsistencyReport, WorkerHeartbeat

__all__ = [
    "Blob",
    "ConsistencyReport",
    "Job",
    "JobAttempt",
    "Media",
    "Miniature",
    "Role",
    "Session",
    "Url",
    "User",
    "WorkerHeartbeat",
]
