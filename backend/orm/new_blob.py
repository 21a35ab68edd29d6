"""The row of a blob that may be new."""

from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from backend.domain.media import ObjectKey

_INSERT = """
    INSERT INTO blob
           (uuid, sha256, size_bytes, media_type, object_key, staged_name, state)
    VALUES (%(uuid)s, %(sha256)s, %(size)s, %(type)s, %(key)s, %(uuid)s, 'staged')
    ON CONFLICT (sha256) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class NewBlob:
    """Bytes whose uuid is also the name of their staged file, if they have one."""

    uuid: UUID
    sha256: str
    size_bytes: int
    media_type: str
    object_key: ObjectKey

    def insert(self) -> None:
        """Changes nothing if the bytes are known."""
        values: dict[str, UUID | str | int] = {
            "uuid": self.uuid,
            "sha256": self.sha256,
            "size": self.size_bytes,
            "type": self.media_type,
            "key": str(self.object_key),
        }
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, values)
