"""The form of `POST /media/`: one model validates it and documents it."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from backend.api.schemas.text import Description, TextRules, Title
from backend.domain.errors import Invalid
from backend.domain.media import SHA256_PATTERN, FileName

# The part that holds the bytes; the model has the text fields only.
VIDEO_FIELD = "video"

# What Swagger UI fills in: a field that is left empty is a field that is left out.
LEFT_OUT = [""]


class Sha256Rule:
    """Takes the digest in any case."""

    _HEX = re.compile(SHA256_PATTERN)

    @classmethod
    def lowered(cls, text: str) -> str:
        """Raises `PydanticCustomError`, a `ValueError`."""
        if not cls._HEX.fullmatch(text.lower()):
            raise PydanticCustomError("sha256", "Must be 64 hexadecimal digits")
        return text.lower()


Sha256 = Annotated[str, AfterValidator(Sha256Rule.lowered)]


class UploadForm(BaseModel):
    """The text fields beside the video; each may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Title | SkipJsonSchema[None] = Field(
        None,
        description="By default the name of the file without its ending.",
        examples=LEFT_OUT,
    )
    description: Description = Field("", examples=LEFT_OUT)
    sha256: Sha256 | SkipJsonSchema[None] = Field(
        None,
        description="Of the video, in hex. If sent, the received bytes must have it.",
        examples=LEFT_OUT,
    )

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> Self:
        """Raises `Invalid` with a problem for each wrong field.

        An empty field is one that was left out, as HTML forms cannot say it otherwise.
        """
        given = {name: value for name, value in fields.items() if value}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise Invalid(problems=cls._problems(error)) from None

    def title_for(self, file_name: str) -> str:
        if self.title is not None:
            return self.title
        stem = FileName.stem(file_name).strip()
        return stem if TextRules.is_visible(stem) else VIDEO_FIELD

    @classmethod
    def openapi(cls) -> dict[str, Any]:
        """For `openapi_extra`: the form with a file picker; the fields come first.

        So clients that follow the order are refused before they send the video.
        """
        schema = cls.model_json_schema()
        for field in schema["properties"].values():
            field.pop("default", None)
        schema["properties"][VIDEO_FIELD] = {
            "type": "string",
            "format": "binary",
            "title": "Video",
            "description": "MP4, QuickTime, 3GPP, Matroska, WebM, AVI, MPEG-TS, "
            "MPEG-PS, FLV or WMV, recognised by its content.",
        }
        schema["required"] = [VIDEO_FIELD]
        content = {"multipart/form-data": {"schema": schema}}
        return {"requestBody": {"required": True, "content": content}}

    @staticmethod
    def _problems(error: ValidationError) -> dict[str, str]:
        problems: dict[str, str] = {}
        for problem in error.errors(include_url=False, include_input=False):
            # The first says what is wrong; the next that it is not None either.
            problems.setdefault(str(problem["loc"][0]), problem["msg"])
        return problems
