"""Text that people type: what PostgreSQL can store and a reader can see."""

import unicodedata
from typing import Annotated

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

from backend.domain.media import DESCRIPTION_MOST_CHARACTERS, TITLE_MOST_CHARACTERS


class RequestSchema(Schema):
    """A request body; a field that we do not know is refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class TextRules:
    """Checks of a text beyond its length."""

    # Unicode counts these as letters and symbols, but nothing is drawn for them.
    _BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
    _INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"})

    @classmethod
    def storable(cls, text: str) -> str:
        """PostgreSQL has no U+0000 in text, and UTF-8 no lone surrogates."""
        if "\x00" in text:
            raise PydanticCustomError("nul", "Must not contain a NUL character")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise PydanticCustomError("surrogate", "Must be valid Unicode") from None
        return text

    @classmethod
    def visible(cls, text: str) -> str:
        if not cls.is_visible(text):
            raise PydanticCustomError("blank", "Must have a visible character")
        return text

    @classmethod
    def is_visible(cls, text: str) -> bool:
        return any(
            unicodedata.category(character) not in cls._INVISIBLE_CATEGORIES
            and character not in cls._BLANK
            for character in text
        )


Text = Annotated[str, AfterValidator(TextRules.storable)]
Title = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=TITLE_MOST_CHARACTERS
    ),
    AfterValidator(TextRules.storable),
    AfterValidator(TextRules.visible),
]
Description = Annotated[
    str,
    StringConstraints(max_length=DESCRIPTION_MOST_CHARACTERS),
    AfterValidator(TextRules.storable),
]
