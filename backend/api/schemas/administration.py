"""Bodies of users and roles, as administrators see and change them."""

from collections.abc import Iterable
from typing import Annotated, Self

from ninja import Schema
from pydantic import Field, StrictBool, StringConstraints

from backend.api.schemas.accounts import Email, Password, UserOut
from backend.api.schemas.page import PageIn, PageOut
from backend.api.schemas.text import RequestSchema, Text
from backend.domain.accounts import EMAIL_MOST_CHARACTERS, UserChange
from backend.domain.rights import ROLE_NAME_MOST_CHARACTERS, ROLE_NAME_PATTERN, Right
from backend.orm.models import Role
from backend.orm.user_repository import UserFilter, UserPage

RoleName = Annotated[
    str,
    StringConstraints(
        pattern=ROLE_NAME_PATTERN, min_length=1, max_length=ROLE_NAME_MOST_CHARACTERS
    ),
    Field(json_schema_extra={"examples": ["viewer"]}),
]
# As a set: naming a right twice means the same as naming it once.
Rights = Annotated[list[Right], Field(max_length=2 * len(Right))]


class UserIn(RequestSchema):
    """An account for another person, with a role whose rights the caller holds."""

    email: Email
    password: Password
    role: RoleName


class UserPatchIn(RequestSchema):
    """Fields that are left out stay as they are; null is refused."""

    # The marker for a missing field appears neither in answers nor in the document.
    role: RoleName = Field(default_factory=str)
    is_active: StrictBool = Field(default_factory=bool)

    def change(self) -> UserChange:
        return UserChange(**self.model_dump(exclude_unset=True))


class UserListIn(PageIn):
    search: Text | None = Field(
        None,
        max_length=EMAIL_MOST_CHARACTERS,
        description="A part of the e-mail address.",
    )
    role: RoleName | None = Field(None, description="Only users with this role.")
    is_active: bool | None = Field(
        None, description="Only users who can sign in (true), or cannot (false)."
    )

    @property
    def filter(self) -> UserFilter:
        return UserFilter(self.search, self.role, self.is_active)


class UserPageOut(PageOut[UserOut]):
    @classmethod
    def of(cls, page: UserPage, following: str | None) -> Self:
        items = [UserOut.of(profile) for profile in page.items]
        return cls.part(page, items, following)


class RoleIn(RequestSchema):
    """A custom role; the caller must hold its rights."""

    name: RoleName
    rights: Rights


class RolePatchIn(RequestSchema):
    """The new rights of the role, in place of the present ones."""

    rights: Rights


class RoleOut(Schema):
    name: str
    built_in: bool
    rights: list[str]

    @classmethod
    def of(cls, role: Role) -> Self:
        return cls(name=role.name, built_in=role.built_in, rights=sorted(role.rights))

    @classmethod
    def written(cls, name: str, rights: Iterable[Right]) -> Self:
        """A custom role after the change."""
        return cls(name=name, built_in=False, rights=sorted(set(rights)))


class RoleListOut(Schema):
    items: list[RoleOut]
