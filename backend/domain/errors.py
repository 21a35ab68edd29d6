"""Everything that can be refused or go wrong for a caller, by name.

The base classes say what kind of refusal it is; `api/http/errors.py` decides the HTTP status
of each kind. A code is public and never changes its meaning.
"""

from typing import ClassVar


class MediaProjectError(Exception):
    """A refusal with a stable public code; `str(error)` is the detail a person reads."""

    code: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail or self.title)


class Malformed(MediaProjectError):
    """The request breaks the syntax of HTTP, JSON or multipart."""

    code = "malformed_request"
    title = "Malformed request"


class Unauthenticated(MediaProjectError):
    """Nobody, or nobody we still know, is signed in."""

    code = "not_authenticated"
    title = "Not signed in"


class Forbidden(MediaProjectError):
    """The caller is known and lacks the right."""

    code = "forbidden"
    title = "Right missing"


class NotFound(MediaProjectError):
    """There is no such thing, or not any more."""

    code = "not_found"
    title = "Not found"


class MethodNotAllowed(MediaProjectError):
    """The path exists, the method does not."""

    code = "method_not_allowed"
    title = "Method not allowed"


class SlowBody(MediaProjectError):
    """The client sent nothing for too long."""

    code = "body_too_slow"
    title = "The request body came too slowly"


class Conflict(MediaProjectError):
    """The request is right and the state of things forbids it."""

    code = "conflict"
    title = "Conflict"


class TooLarge(MediaProjectError):
    """More bytes than the limit for this request or part."""

    code = "too_large"
    title = "Too large"


class UnsupportedType(MediaProjectError):
    """A content type, or content, that is not taken here."""

    code = "unsupported_type"
    title = "Unsupported content type"


class Invalid(MediaProjectError):
    """Well-formed but wrong; `problems` maps a field to what is wrong with it."""

    code = "invalid"
    title = "Invalid request"

    def __init__(
        self, detail: str | None = None, problems: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.problems = problems or {}


class Unavailable(MediaProjectError):
    """A store that the answer needs is away; the same request may work later."""

    code = "unavailable"
    title = "A store is away"


class StorageFull(MediaProjectError):
    """There is no room to take more bytes in."""

    code = "staging_full"
    title = "Staging is full"


class InternalError(MediaProjectError):
    """Our fault: nobody foresaw it."""

    code = "internal_error"
    title = "Internal error"


class MalformedJson(Malformed):
    code = "malformed_json"
    title = "The body is not JSON"


class MalformedMultipart(Malformed):
    code = "malformed_multipart"
    title = "The body is not multipart/form-data"


class ClientDisconnected(Malformed):
    """The client left before its body was complete; nobody reads the answer."""

    code = "client_disconnected"
    title = "The client left"


class InvalidToken(Unauthenticated):
    code = "invalid_token"
    title = "The token is not valid or has expired"


class BadCredentials(Unauthenticated):
    """The same for an unknown, wrong or inactive account, so that nobody can tell."""

    code = "bad_credentials"
    title = "E-mail or password is wrong"


class SignupClosed(Forbidden):
    code = "signup_closed"
    title = "Sign-up is closed"


class RightMissing(Forbidden):
    code = "right_missing"
    title = "Right missing"


class MediaNotFound(NotFound):
    code = "media_not_found"
    title = "No such media"


class MetadataNotReady(NotFound):
    code = "metadata_not_ready"
    title = "The metadata of this media is not there yet"


class EmailTaken(Conflict):
    code = "email_taken"
    title = "There is an account with this e-mail"


class UnsupportedMedia(UnsupportedType):
    code = "unsupported_media"
    title = "The video is not of an allowed kind"


class ChecksumMismatch(Invalid):
    code = "checksum_mismatch"
    title = "The bytes do not have the declared sha256"


class EmptyFile(Invalid):
    code = "empty_file"
    title = "The file is too small to be a video"


class WeakPassword(Invalid):
    code = "weak_password"
    title = "The password is too weak"


class DatabaseAway(Unavailable):
    code = "database_away"
    title = "The database is away"


class DatabaseSilent(DatabaseAway):
    """The database took the work and does not answer: it may still be done."""


class CommitUnknown(Unavailable):
    """The connection was lost during the commit: the rows may or may not be there."""

    code = "commit_unknown"
    title = "The outcome is not known"


class StagedFileGone(Unavailable):
    """The sweep was faster than the commit; sending the bytes again will do."""

    code = "staged_file_gone"
    title = "The received bytes are gone"


class DocumentStoreAway(Unavailable):
    code = "document_store_away"
    title = "The metadata store is away"


class ObjectStoreAway(Unavailable):
    code = "object_store_away"
    title = "The object store is away"


class StagingAway(Unavailable):
    code = "staging_away"
    title = "The staging folder cannot be used"


class Overloaded(Unavailable):
    code = "overloaded"
    title = "Too much is going on at once"
