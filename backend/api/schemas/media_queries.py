"""What can be asked of lists of media."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from backend.api.schemas.media import ShownStatus
from backend.api.schemas.page import PageIn
from backend.api.schemas.text import Text
from backend.api.schemas.upload import Sha256
from backend.domain.errors import Invalid
from backend.domain.media import TITLE_MOST_CHARACTERS, Caller
from backend.orm.media_lists import MediaFilter, MediaOrder


class TimeRules:
    """Times of RFC 3339 in any zone, converted to UTC."""

    _FORM = re.compile(
        r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
    )

    @classmethod
    def formed(cls, value: Any) -> Any:
        """Pydantic would also accept numbers, which nobody means here."""
        if not isinstance(value, str) or not cls._FORM.fullmatch(value):
            message = "Must be a time like 2026-01-31T12:00:00Z, with its offset"
            raise PydanticCustomError("time", message)
        return value

    @staticmethod
    def in_utc(value: datetime) -> datetime:
        try:
            return value.astimezone(UTC)
        except OverflowError:
            message = "Must be in the years 1 to 9999"
            raise PydanticCustomError("year", message) from None


class OwnerRule:
    """The caller (`me`), or any user by uuid."""

    ME = "me"
    SCHEMA: ClassVar[dict[str, Any]] = {
        "anyOf": [{"const": ME}, {"type": "string", "format": "uuid"}],
        "type": "string",
    }

    @classmethod
    def known(cls, value: str) -> str:
        if value != cls.ME:
            try:
                UUID(value)
            except ValueError:
                message = "Must be the uuid of a user, or me"
                raise PydanticCustomError("owner", message) from None
        return value


Time = Annotated[
    AwareDatetime, BeforeValidator(TimeRules.formed), AfterValidator(TimeRules.in_utc)
]
Owner = Annotated[str, AfterValidator(OwnerRule.known)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class MediaListIn(PageIn):
    """Filters by range: times are half-open, durations closed."""

    status: ShownStatus | None = Field(None, description="Only media with this status.")
    owner: Owner | None = Field(
        None,
        description="The uuid of a user, or `me`.",
        json_schema_extra=OwnerRule.SCHEMA,
    )
    sha256: Sha256 | None = Field(
        None, description="The sha256 of the video, in hexadecimal."
    )
    created_after: Time | None = Field(None, description="From this moment on.")
    created_before: Time | None = Field(
        None, description="Before this moment; not before `created_after`."
    )
    min_duration: Seconds | None = Field(
        None,
        description="In seconds, inclusive. Media of unknown duration are left out.",
    )
    max_duration: Seconds | None = Field(
        None, description="In seconds, inclusive; at least `min_duration`."
    )
    ordering: MediaOrder = Field(
        MediaOrder.NEWEST_FIRST,
        description="Titles are ordered without regard to case and accents.",
    )

    def filter_for(self, caller: Caller) -> MediaFilter:
        """Raises `Invalid` for ranges that end before they begin."""
        self._check_range("created_after", "created_before")
        self._check_range("min_duration", "max_duration")
        return MediaFilter(
            status=self.status,
            owner=self._owner(caller),
            sha256=self.sha256,
            created_after=self.created_after,
            created_before=self.created_before,
            min_duration=self.min_duration,
            max_duration=self.max_duration,
        )

    def _owner(self, caller: Caller) -> UUID | None:
        if self.owner == OwnerRule.ME:
            return caller.user_id
        return UUID(self.owner) if self.owner else None

    def _check_range(self, first: str, last: str) -> None:
        begins, ends = getattr(self, first), getattr(self, last)
        if begins is not None and ends is not None and begins > ends:
            raise Invalid(problems={last: f"Must not be before {first}"})


class MediaSearchIn(PageIn):
    title: Text = Field(
        max_length=TITLE_MOST_CHARACTERS,
        description="Words; case, accents and punctuation do not matter.",
        examples=["summer holid"],
    )
