"""Lists in pages: how they are asked for and answered."""

from typing import Annotated, Any, Generic, Self, TypeVar

from ninja import Schema
from pydantic import Field

from backend.api.cursor import CURSOR_MOST_CHARACTERS
from backend.api.schemas.text import RequestSchema
from backend.orm.pages import Page

MOST_ITEMS = 100
USUAL_ITEMS = 20

Item = TypeVar("Item")
Count = Annotated[int, Field(json_schema_extra={"minimum": 0})]


class PageIn(RequestSchema):
    """The part of a list that is asked for."""

    limit: int = Field(
        USUAL_ITEMS,
        ge=1,
        le=MOST_ITEMS,
        description="The maximum number of items on a page.",
    )
    cursor: str | None = Field(
        None,
        max_length=CURSOR_MOST_CHARACTERS,
        description="Where the page begins: `next` of the page before, with the same "
        "parameters; leave it out for the first page.",
    )


class PageOut(Schema, Generic[Item]):
    items: list[Item]
    next: str | None
    total: Count
    total_is_exact: bool

    @classmethod
    def part(
        cls, page: Page[Any, Any], items: list[Item], following: str | None
    ) -> Self:
        """`following` is the cursor of the next page."""
        return cls(
            items=items,
            next=following,
            total=page.total,
            total_is_exact=page.total_is_exact,
        )
