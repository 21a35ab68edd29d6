"""All refusals and errors that a caller can get, by name. Those that only HTTP knows
are in `api/http/refusals.py`.

The base classes are the kinds of refusal; `api/http/errors.py` decides the HTTP status
of each kind. A code is public and never changes its meaning.
"""

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID


class MediaProjectError(Exception):
    """A refusal with a stable public code; `str(error)` is the detail a person reads.

    `retryable` says that the same request may succeed later, `advice` what the client
    or the person behind it can do. `usual_detail` is the detail if none is given when
    the error is raised. A class without a code is a kind of errors and is never raised
    itself.
    """

    code: ClassVar[str]
    title: ClassVar[str]
    retryable: ClassVar[bool]
    advice: ClassVar[str]
    usual_detail: ClassVar[str] = ""

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail or self.usual_detail or self.title)

    @property
    def problems(self) -> Mapping[str, str]:
        """What is wrong with which field."""
        return {}

    @property
    def members(self) -> Mapping[str, str]:
        """Further public members for programs, by name."""
        return {}


class Malformed(MediaProjectError):
    """The request breaks the syntax of HTTP, JSON or multipart."""

    code = "malformed_request"
    title = "Malformed request"
    usual_detail = (
        "The request line, a header or the query string breaks the rules of HTTP."
    )
    retryable = False
    advice = "Correct the request line, the headers or the query string."


class Unauthenticated(MediaProjectError):
    """No user, or no known user, is signed in."""

    code = "not_authenticated"
    title = "Not signed in"
    usual_detail = "Send the header Authorization: Bearer <access token>."
    retryable = False
    advice = "Sign in with `POST /auth/signin/` and send the header `Authorization: Bearer <access>`."


class Forbidden(MediaProjectError):
    """The caller is known but lacks the right."""


class NotFound(MediaProjectError):
    """No such thing exists, or it no longer does."""

    code = "not_found"
    title = "Not found"
    usual_detail = "There is nothing at this path."
    retryable = False
    advice = "Check the path; what it names may have been deleted."


class Conflict(MediaProjectError):
    """The request is valid, but the present state forbids it."""


class PreconditionFailed(MediaProjectError):
    """The client has seen an outdated state."""


class TooManyRequests(MediaProjectError):
    """The caller has done this too often, and may do it again after the given
    seconds."""

    def __init__(self, retry_after_seconds: int, detail: str | None = None) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class TooLarge(MediaProjectError):
    """More bytes than the limit for this request or part."""

    code = "too_large"
    title = "Too large"
    usual_detail = "The body has more bytes than are accepted here."
    retryable = False
    advice = "Send less; the detail gives the limit."


class UnsupportedType(MediaProjectError):
    """A content type, or content, that is not accepted here."""

    code = "unsupported_type"
    title = "Unsupported content type"
    usual_detail = "The operation takes another content type."
    retryable = False
    advice = "Send the content type that the operation documents."


class Invalid(MediaProjectError):
    """Well-formed but wrong."""

    code = "invalid"
    title = "Invalid request"
    usual_detail = "Some fields are not valid."
    retryable = False
    advice = "Correct the fields that are listed in `errors`."

    def __init__(
        self, detail: str | None = None, problems: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self._problems = problems or {}

    @property
    def problems(self) -> Mapping[str, str]:
        return self._problems


class Unavailable(MediaProjectError):
    """A store needed for the answer is away; the same request may work later."""


class StorageFull(MediaProjectError):
    """There is no room for more bytes."""

    code = "staging_full"
    title = "Staging is full"
    usual_detail = "There is no room for the bytes that were sent."
    retryable = True
    advice = "Try again later; the operator of the server has to make room in the staging folder."


class InternalError(MediaProjectError):
    """Our fault, and unforeseen."""

    code = "internal_error"
    title = "Internal error"
    usual_detail = "It has been logged under the X-Request-ID."
    retryable = False
    advice = "Report it with the `X-Request-ID` of the answer."


class InvalidToken(Unauthenticated):
    code = "invalid_token"
    title = "The token is not valid or has expired"
    usual_detail = (
        "The token has expired, its session has ended, or it was not copied exactly; "
        "send the access token, not the refresh token."
    )
    retryable = False
    advice = "Swap the refresh token with `POST /auth/refresh/`, or sign in again."


class InvalidRefreshToken(InvalidToken):
    """The same answer for every reason, so that it reveals nothing about a found
    token."""

    usual_detail = (
        "The token has expired or was used before, its session has ended, or it was not "
        "copied exactly; send the refresh token, not the access token."
    )


class BadCredentials(Unauthenticated):
    """The same answer for an unknown, wrong or inactive account, so that they look
    alike."""

    code = "bad_credentials"
    title = "E-mail or password is wrong"
    usual_detail = "No active account has this e-mail and this password."
    retryable = False
    advice = "Check both; an administrator knows whether the account is active."


class SignupClosed(Forbidden):
    code = "signup_closed"
    title = "Sign-up is closed"
    usual_detail = "Only administrators create accounts here."
    retryable = False
    advice = "Ask an administrator for an account."


class RightMissing(Forbidden):
    code = "right_missing"
    title = "Right missing"
    usual_detail = "The caller's role lacks the right that this needs."
    retryable = False
    advice = "Ask an administrator for a role with this right."


class MediaNotFound(NotFound):
    code = "media_not_found"
    title = "No such media"
    usual_detail = "It never existed here, or it has been deleted."
    retryable = False
    advice = "Look for it in `GET /media/`; it may have been deleted."


class MetadataNotReady(NotFound):
    code = "metadata_not_ready"
    title = "The metadata of this media does not exist yet"
    usual_detail = "The job extract_metadata has not succeeded yet."
    retryable = True
    advice = "Ask again when the job `extract_metadata` has succeeded."


class MediaNotStored(NotFound):
    code = "media_not_stored"
    title = "The bytes of this media are not stored yet"
    usual_detail = "The job upload_to_cdn has not succeeded yet."
    retryable = True
    advice = "Ask again when the job `upload_to_cdn` has succeeded."


class ConsistencyNotKnown(NotFound):
    code = "consistency_not_known"
    title = "The stores have not been compared yet"
    usual_detail = "The report exists once they have been compared."
    retryable = True
    advice = "Ask again in a minute: every running worker compares the stores."


class MediaGoneMeanwhile(Conflict):
    """The uploaded media was deleted before the upload was answered."""

    code = "media_gone_meanwhile"
    title = "The media was deleted while the upload was answered"
    usual_detail = "Somebody deleted it before the upload was answered."
    retryable = True
    advice = "Send the video again."


class RightNotHeld(Forbidden):
    """The caller lacks a right of the role, account or change in question."""

    code = "right_not_held"
    title = "Nobody can grant or change rights they do not hold"
    usual_detail = "The role has a right that the caller lacks."
    retryable = False
    advice = "Ask somebody who holds these rights."


class UserNotFound(NotFound):
    code = "user_not_found"
    title = "No such user"
    usual_detail = "It never existed here, or it has been deleted."
    retryable = False
    advice = "Look for it in `GET /users/`."


class RoleNotFound(NotFound):
    code = "role_not_found"
    title = "No such role"
    usual_detail = "It never existed here, or it has been deleted."
    retryable = False
    advice = "Look for it in `GET /roles/`."


class UserOwnsMedia(Conflict):
    code = "user_owns_media"
    title = "The user owns media"
    usual_detail = "Media without an owner are not kept."
    retryable = False
    advice = "Name their new owner with `?transfer_to={uuid}`, or delete them first."


class LastAdmin(Conflict):
    """The last active holder of `user.manage` stays."""

    code = "last_admin"
    title = "Nobody would be left to manage users"
    usual_detail = "This is the last active user who has the right user.manage."
    retryable = False
    advice = "Give somebody else a role with `user.manage` first."


class RoleBuiltIn(Conflict):
    code = "role_built_in"
    title = "Built-in roles stay as they are"
    usual_detail = "admin, media_operator and viewer are neither changed nor deleted."
    retryable = False
    advice = "Add a role of your own with `POST /roles/`."


class RoleInUse(Conflict):
    code = "role_in_use"
    title = "There are users with this role"
    usual_detail = "A role can be deleted once no user has it."
    retryable = False
    advice = "Give its users another role first."


class RoleNameTaken(Conflict):
    code = "role_name_taken"
    title = "There is a role of this name"
    usual_detail = "The name of a role is unique."
    retryable = False
    advice = "Choose another name, or change that role."


class RevisionMismatch(PreconditionFailed):
    code = "revision_mismatch"
    title = "The media has changed meanwhile"
    usual_detail = "Its revision is not the one that If-Match names."
    retryable = False
    advice = "Read the media again, and send the change with the revision it has now."


class TooManySignIns(TooManyRequests):
    code = "too_many_sign_ins"
    title = "Too many attempts to sign in"
    usual_detail = "Too many attempts failed for this account or from this address."
    retryable = True
    advice = "Wait for the number of seconds in the header `Retry-After`."


class EmailTaken(Conflict):
    code = "email_taken"
    title = "There is an account with this e-mail"
    usual_detail = (
        "An e-mail address has one account; capital letters make no difference."
    )
    retryable = False
    advice = "Sign in with it, or choose another address."


class JobOpen(Conflict):
    code = "job_open"
    title = "Such a job of this media is waiting or running"
    usual_detail = "A media has one open job of a kind at most."
    retryable = True
    advice = "Wait until that job has ended; `GET /media/{uuid}/jobs/` shows it."


class NothingToRetry(Conflict):
    code = "nothing_to_retry"
    title = "There is no failed work of this kind to do again"
    usual_detail = (
        "Only the work of a job that has failed, and has what it needs, is done again."
    )
    retryable = False
    advice = "`GET /media/{uuid}/jobs/` shows which jobs have failed."


class DuplicateMedia(Conflict):
    """The owner already has a live media of the same bytes, which the problem names."""

    code = "duplicate_media"
    title = "The owner has another media of these bytes"
    usual_detail = "An owner has one live media of the same bytes at most."
    retryable = False
    advice = "Use the media that the problem names."

    def __init__(self, media_id: UUID) -> None:
        super().__init__()
        self._media_id = media_id

    @property
    def members(self) -> Mapping[str, str]:
        return {"media": str(self._media_id)}


class UnsupportedMedia(UnsupportedType):
    code = "unsupported_media"
    title = "The video or miniature is not of an allowed kind"
    usual_detail = "The content counts, not the name or the declared type."
    retryable = False
    advice = "Convert it to a format that the operation lists."

    def __init__(self, field: str | None = None, allowed: str = "") -> None:
        self._problems = {field: f"Its content is not {allowed}."} if field else {}
        super().__init__(
            f"The content of `{field}` is not {allowed}." if field else None
        )

    @property
    def problems(self) -> Mapping[str, str]:
        return self._problems


class ChecksumMismatch(Invalid):
    code = "checksum_mismatch"
    title = "The bytes do not have the declared sha256"
    usual_detail = "The received bytes have another sha256."
    retryable = True
    advice = "Compute the sha256 of the whole file and send the file again."


class EmptyFile(Invalid):
    code = "empty_file"
    title = "The file is empty or too small"
    usual_detail = "The file has only 0 bytes."
    retryable = False
    advice = "Check the file and send all of it."


class UnreadablePicture(Invalid):
    code = "unreadable_picture"
    title = "The picture is damaged or not complete"
    usual_detail = "The picture ends before its data does."
    retryable = False
    advice = "Open and save the picture with another program, then send that file."


class TooManyPixels(Invalid):
    code = "too_many_pixels"
    title = "The picture has too many pixels"
    usual_detail = "The picture would take too much memory to decode."
    retryable = False
    advice = "Make the picture smaller."


class WeakPassword(Invalid):
    code = "weak_password"
    title = "The password is too weak"
    usual_detail = "It is short, common, only digits, or like the e-mail address."
    retryable = False
    advice = "Choose a longer password that is hard to guess."


class WrongPassword(Invalid):
    code = "wrong_password"
    title = "The old password is wrong"
    usual_detail = "It is not the password of the account that is signed in."
    retryable = False
    advice = "Type the password that you sign in with now."


class DatabaseAway(Unavailable):
    code = "database_away"
    title = "The database is away"
    usual_detail = "PostgreSQL cannot be reached, or all its connections are busy."
    retryable = True
    advice = "Send the same request again after `Retry-After` seconds."


class DatabaseSilent(DatabaseAway):
    """The database accepted the work and does not answer: it may still be done."""


class CommitUnknown(Unavailable):
    """The database did not confirm the commit: the rows may or may not exist."""

    code = "commit_unknown"
    title = "The outcome is not known"
    usual_detail = "The database did not confirm the write in time."
    retryable = True
    advice = "Send the same request again: if it was done already, the answer says so."


class StagedFileGone(Unavailable):
    """The file was removed as unowned before the commit; sending the bytes again
    works."""

    code = "staged_file_gone"
    title = "The received bytes are gone"
    usual_detail = "The staged file was swept away before it was linked to a media."
    retryable = True
    advice = "Send the bytes again."


class StagedFileNotSealed(Unavailable):
    """A blob would depend on received bytes that are not durable yet."""

    code = "staged_file_not_sealed"
    title = "The received bytes are not on disk yet"
    usual_detail = "The media would depend on bytes that a crash could still lose."
    retryable = True
    advice = "Send the same request again after `Retry-After` seconds."


class DocumentStoreAway(Unavailable):
    code = "document_store_away"
    title = "The metadata store is away"
    usual_detail = "MongoDB does not answer."
    retryable = True
    advice = "Send the same request again after `Retry-After` seconds."


class ObjectStoreAway(Unavailable):
    code = "object_store_away"
    title = "The object store is away"
    usual_detail = "The object store does not answer."
    retryable = True
    advice = "Send the same request again after `Retry-After` seconds."


class StagingAway(Unavailable):
    code = "staging_away"
    title = "Staging cannot be used"
    usual_detail = "Staging failed."
    retryable = True
    advice = (
        "Try again later; the operator of the server has to check the staging "
        "folder, or the object store if uploads are staged there."
    )


class Overloaded(Unavailable):
    code = "overloaded"
    title = "Too much is going on at once"
    usual_detail = "Too many passwords are being checked; try again soon."
    retryable = True
    advice = "Send the same request again after `Retry-After` seconds."
