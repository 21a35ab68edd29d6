"""What the migrations from 0017 to 0020 allow."""

from django.db import models

CODES = [
    "unreadable_media",
    "object_store_away",
    "object_store_denied",
    "object_damaged",
    "object_missing",
    "cdn_away",
    "document_store_away",
    "database_away",
    "staged_file_missing",
    "staging_away",
    "staging_full",
    "extractor_crashed",
    "extractor_timed_out",
    "extractor_out_of_memory",
    "unreadable_picture",
    "picture_maker_crashed",
    "picture_maker_timed_out",
    "picture_maker_out_of_memory",
    "media_deleted",
    "step_timed_out",
    "lease_lost",
    "crash_loop",
    "internal_error",
]
# Of every migration that allows them.
WHY_THE_RELEASE_BEFORE_GOES_ON = (
    "All codes that it writes are still allowed. It cannot read the new one, which is "
    "written only where CDN_PURGE_URL is set: set it when that release is gone."
)


def failed_with_a_code(failed: str) -> models.Q:
    has_failed = models.Q(("status", failed), _negated=True)
    return models.Q(has_failed, ("failure_code__in", CODES), _connector="OR")
