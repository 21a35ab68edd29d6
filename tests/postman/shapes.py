"""The members of the bodies, as the API's contract lists them."""

from enum import Enum

_SUMMARY = (
    "uuid",
    "title",
    "status",
    "owner",
    "size",
    "media_type",
    "duration",
    "miniature_url",
    "created_at",
    "updated_at",
)
_MEDIA = (
    *_SUMMARY,
    "description",
    "sha256",
    "file_name",
    "revision",
    "urls",
    "technical",
    "jobs",
    "failure",
)


class Shape(Enum):
    """All members of a body: one more or one less is a failure."""

    PONG = "pong", ("message",)
    VERSION = "version", ("version",)
    HEALTH = "health", ("status",)
    READY = (
        "readiness",
        ("status", "checks", "oldest_queued_seconds", "last_worker_heartbeat"),
    )
    TOKENS = "Tokens", ("access", "refresh", "token_type", "expires_in")
    USER = "User", ("uuid", "email", "role", "rights", "is_active", "created_at")
    ROLE = "Role", ("name", "built_in", "rights")
    SUMMARY = "MediaSummary", _SUMMARY
    MEDIA = "Media", _MEDIA
    INGESTED = "Media as uploaded", (*_MEDIA, "deduplicated", "healed")
    PAGE = "Page", ("items", "next", "total", "total_is_exact")
    LIST = "list", ("items",)
    METADATA = (
        "Metadata",
        (
            *("media", "sha256", "extractor", "extractor_version"),
            *("extracted_at", "tracks", "truncated"),
        ),
    )
    JOB = (
        "Job",
        (
            *("uuid", "kind", "status", "progress", "queued_at", "run_after"),
            *("started_at", "finished_at", "failure", "attempts"),
        ),
    )
    ATTEMPT = (
        "JobAttempt",
        (
            *("number", "worker", "started_at", "ended_at"),
            *("outcome", "code", "message"),
        ),
    )

    CONSISTENCY = "Consistency", ("started_at", "finished_at", "findings")
    FINDING = "Finding", ("kind", "store", "key", "media", "action", "applied")

    def __init__(self, title: str, members: tuple[str, ...]) -> None:
        self.title = title
        self.members = members

    @property
    def assertion(self) -> str:
        """JavaScript (chai) that follows an expectation."""
        listed = ", ".join(f'"{name}"' for name in self.members)
        return f".to.have.all.keys({listed})"
