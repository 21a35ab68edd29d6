"""The one shape of every refusal (RFC 9457)."""

from uuid import UUID

from ninja import Schema


class FieldErrorOut(Schema):
    field: str
    message: str


class ProblemOut(Schema):
    """Why a request was refused; `code` is stable, `detail` is for people.

    `media` is there only where another media is the reason (`duplicate_media`).
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str
    errors: list[FieldErrorOut]
    media: UUID | None = None
