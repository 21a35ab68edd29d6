"""A row of the tables: what is sent, and how it is refused."""

from dataclasses import dataclass

from tests.e2e.raw_upload import RawUpload


@dataclass(frozen=True)
class Refusal:
    status: int
    code: str


SYNTAX = Refusal(400, "malformed_request")
MULTIPART = Refusal(400, "malformed_multipart")
NOBODY = Refusal(401, "not_authenticated")
RIGHT = Refusal(403, "right_missing")
NO_PATH = Refusal(404, "not_found")
METHOD = Refusal(405, "method_not_allowed")
LARGE = Refusal(413, "too_large")
TYPE = Refusal(415, "unsupported_type")
CONTENT = Refusal(415, "unsupported_media")
INVALID = Refusal(422, "invalid")
EMPTY = Refusal(422, "empty_file")
CHECKSUM = Refusal(422, "checksum_mismatch")
JSON = Refusal(400, "malformed_json")
TOKEN = Refusal(401, "invalid_token")
CREDENTIALS = Refusal(401, "bad_credentials")
NO_MEDIA = Refusal(404, "media_not_found")
NO_METADATA = Refusal(404, "metadata_not_ready")
NOT_FAILED = Refusal(409, "nothing_to_retry")
BUILT_IN = Refusal(409, "role_built_in")
LAST_ADMIN = Refusal(409, "last_admin")
CHANGED = Refusal(412, "revision_mismatch")
PIXELS = Refusal(422, "too_many_pixels")
PICTURE = Refusal(422, "unreadable_picture")
WEAK_PASSWORD = Refusal(422, "weak_password")


@dataclass(frozen=True)
class Row:
    """`role` "" sends no token; `field` is the one that a 422 names.

    `<name>` in a request stands for one of the `Things`.
    """

    id: str
    upload: RawUpload
    refusal: Refusal
    role: str = "media_operator"
    field: str = ""

    @property
    def number(self) -> str:
        """Of the catalogue, such as "B1"; others are ours."""
        return self.id.partition(" ")[0]
