"""The two halves of the work that makes a media ready."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from psycopg.types.json import Jsonb

from backend.domain.media import ObjectKey, UrlKind
from backend.domain.states import MEDIA_TRANSITIONS, SHOWN_MEDIA, MediaStatus
from backend.domain.technical import TechnicalSummary
from backend.orm.prepared import Prepared


@dataclass(frozen=True, slots=True)
class ReadyMedia:
    """The second of publishing and describing makes the media ready.

    Needs the media locked. Both change what readers see, so the revision rises.
    """

    media_id: UUID

    _PUBLISH: ClassVar = Prepared("""
        WITH written AS (
            INSERT INTO url (media_id, kind, object_key)
            VALUES (%(media)s, %(url)s, %(key)s)
            ON CONFLICT (media_id, kind) DO UPDATE SET object_key = excluded.object_key
        )
        UPDATE media
           SET published_at = statement_timestamp(),
               status = CASE WHEN described_at IS NOT NULL AND status = ANY(%(before)s)
                             THEN %(ready)s ELSE status END,
               revision = revision + 1, updated_at = statement_timestamp()
         WHERE uuid = %(media)s AND status = ANY(%(shown)s)
        RETURNING uuid
    """)
    _DESCRIBE: ClassVar = Prepared("""
        UPDATE media
           SET described_at = statement_timestamp(),
               technical = %(technical)s, duration_seconds = %(duration)s,
               status = CASE WHEN published_at IS NOT NULL AND status = ANY(%(before)s)
                             THEN %(ready)s ELSE status END,
               revision = revision + 1, updated_at = statement_timestamp()
         WHERE uuid = %(media)s AND status = ANY(%(shown)s)
        RETURNING uuid
    """)

    def publish(self, key: ObjectKey) -> None:
        self._PUBLISH.row(**self._common(), url=UrlKind.VIDEO.value, key=str(key))

    def describe(self, summary: TechnicalSummary) -> None:
        self._DESCRIBE.row(
            **self._common(),
            technical=Jsonb(summary.as_dict()),
            duration=summary.duration,
        )

    def _common(self) -> dict[str, Any]:
        sources = MEDIA_TRANSITIONS.sources(MediaStatus.READY)
        return {
            "media": self.media_id,
            "before": [status.value for status in sources],
            "ready": MediaStatus.READY.value,
            "shown": [status.value for status in SHOWN_MEDIA],
        }
