"""Bodies of sign-up, sign-in, tokens and users."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from ninja import Schema
from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from backend.api.schemas.text import RequestSchema, Text
from backend.domain.accounts import (
    EMAIL_MOST_CHARACTERS,
    PASSWORD_MOST_CHARACTERS,
    EmailAddress,
    Profile,
    Tokens,
)


class EmailRule:
    """Accepts an address that mail could reach, and normalises it."""

    @classmethod
    def folded(cls, text: str) -> str:
        """Raises `PydanticCustomError`, a `ValueError`."""
        try:
            email = EmailAddress.folded(text)
            validate_email(email)
        except (ValueError, ValidationError):
            raise cls._refusal() from None
        # Django allows controls between quotes.
        if not email.isprintable():
            raise cls._refusal()
        return email

    @staticmethod
    def _refusal() -> PydanticCustomError:
        return PydanticCustomError("email", "Enter a valid e-mail address")


Email = Annotated[
    Text,
    StringConstraints(
        strip_whitespace=True, min_length=3, max_length=EMAIL_MOST_CHARACTERS
    ),
    AfterValidator(EmailRule.folded),
    Field(json_schema_extra={"format": "email", "examples": ["ada@example.org"]}),
]
# Neither appears in a repr, and so never in a log. Text that is no token is 401, not
# 422, unless it is longer than any header can be.
Password = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=PASSWORD_MOST_CHARACTERS,
        repr=False,
        json_schema_extra={"format": "password", "examples": ["a long pass phrase"]},
    ),
]
TokenText = Annotated[str, Field(max_length=16_384, repr=False)]


class SignUpIn(RequestSchema):
    """A new account; the password must have at least 8 characters and not be easy to
    guess."""

    email: Email
    password: Password


class SignInIn(RequestSchema):
    email: Email
    password: Password


class RefreshIn(RequestSchema):
    refresh: TokenText


class SignOutIn(RequestSchema):
    refresh: TokenText


class PasswordIn(RequestSchema):
    """The new password must have at least 8 characters and not be easy to guess."""

    old: Password
    new: Password


class TokensOut(Schema):
    """`expires_in` is the number of seconds for which the access token is valid."""

    access: str = Field(repr=False)
    refresh: str = Field(repr=False)
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in: int

    @classmethod
    def of(cls, tokens: Tokens) -> Self:
        return cls(
            access=tokens.access,
            refresh=tokens.refresh,
            expires_in=tokens.expires_in_seconds,
        )


class UserOut(Schema):
    uuid: UUID
    email: Annotated[str, Field(json_schema_extra={"format": "email"})]
    role: str
    rights: list[str]
    is_active: bool
    created_at: datetime

    @classmethod
    def of(cls, profile: Profile) -> Self:
        return cls(
            uuid=profile.user_id,
            email=profile.email,
            role=profile.role,
            rights=sorted(profile.rights),
            is_active=profile.is_active,
            created_at=profile.created_at,
        )
