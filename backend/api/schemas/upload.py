"""The forms that carry files: one model validates the fields and documents them."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from backend.api.schemas.text import Description, TextRules, Title
from backend.domain.containers import TAKEN
from backend.domain.errors import Invalid
from backend.domain.media import MINIATURE_MOST_WIDTH, SHA256_PATTERN, FileName

# The parts that hold bytes; the model has the text fields only.
VIDEO_FIELD = "video"
MINIATURE_FIELD = "miniature"

PICTURE = (
    "JPEG, PNG or WebP, recognised by its content; what is shown is made anew from its "
    f"pixels, without metadata, at most {MINIATURE_MOST_WIDTH} pixels wide."
)

# What Swagger UI fills in: a field that is left empty is a field that is left out.
LEFT_OUT = [""]


class Sha256Rule:
    """Accepts the digest in upper or lower case."""

    _HEX = re.compile(SHA256_PATTERN)

    @classmethod
    def lowered(cls, text: str) -> str:
        """Raises `PydanticCustomError`, a `ValueError`."""
        if not cls._HEX.fullmatch(text.lower()):
            raise PydanticCustomError("sha256", "Must be 64 hexadecimal digits")
        return text.lower()


Sha256 = Annotated[
    str,
    AfterValidator(Sha256Rule.lowered),
    Field(json_schema_extra={"pattern": "^[0-9A-Fa-f]{64}$"}),
]


class FilePicker:
    """Says in OpenAPI that a form takes a file."""

    @staticmethod
    def of(title: str, description: str) -> dict[str, Any]:
        return {
            "type": "string",
            "format": "binary",
            "title": title,
            "description": description,
        }

    @staticmethod
    def body(schema: dict[str, Any]) -> dict[str, Any]:
        """Without `encoding`, because Swagger UI would send files that nobody chose."""
        content = {"multipart/form-data": {"schema": schema}}
        return {"requestBody": {"required": True, "content": content}}


class MiniatureForm:
    """The form of `PUT /media/{uuid}/miniature/`: a file and nothing else."""

    @staticmethod
    def openapi() -> dict[str, Any]:
        schema = {
            "type": "object",
            "title": "MiniatureForm",
            "properties": {MINIATURE_FIELD: FilePicker.of("Miniature", PICTURE)},
            "required": [MINIATURE_FIELD],
            "additionalProperties": False,
        }
        return FilePicker.body(schema)


class UploadForm(BaseModel):
    """The text fields beside the video; each may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Title | SkipJsonSchema[None] = Field(
        None,
        description="By default the file name without its extension.",
        examples=LEFT_OUT,
    )
    description: Description = Field("", examples=LEFT_OUT)
    sha256: Sha256 | SkipJsonSchema[None] = Field(
        None,
        description="The sha256 of the video, in hexadecimal. If sent, the received bytes must match it.",
        examples=LEFT_OUT,
        # Or empty, and so left out.
        json_schema_extra={"pattern": "^([0-9A-Fa-f]{64})?$"},
    )

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> Self:
        """Raises `Invalid` with a problem for each wrong field.

        An empty field counts as left out, because HTML forms cannot express it
        otherwise.
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
        """For `openapi_extra`: the form with file pickers; the video comes last.

        Clients that follow the order are thus refused before they send the video.
        """
        schema = cls.model_json_schema()
        for field in schema["properties"].values():
            field.pop("default", None)
            field.pop("minLength", None)  # An empty field counts as left out.
        schema["properties"][MINIATURE_FIELD] = FilePicker.of(
            "Miniature", f"{PICTURE} By default a frame of the video."
        )
        schema["properties"][VIDEO_FIELD] = FilePicker.of(
            "Video", f"{TAKEN}, recognised by its content."
        )
        schema["required"] = [VIDEO_FIELD]
        return FilePicker.body(schema)

    @staticmethod
    def _problems(error: ValidationError) -> dict[str, str]:
        problems: dict[str, str] = {}
        for problem in error.errors(include_url=False, include_input=False):
            # The first says what is wrong; the next that it is not None either.
            problems.setdefault(str(problem["loc"][0]), problem["msg"])
        return problems
