import re

import pytest

from backend.api.schemas.upload import UploadForm
from backend.domain.errors import Invalid


class TestUploadForm:
    def test_the_documented_form_has_file_pickers_after_the_fields(self) -> None:
        body = UploadForm.openapi()["requestBody"]
        schema = body["content"]["multipart/form-data"]["schema"]
        properties = schema["properties"]
        fields = ["title", "description", "sha256"]
        assert list(properties) == [*fields, "miniature", "video"]
        for file in ("miniature", "video"):
            assert properties[file]["type"] == "string"
            assert properties[file]["format"] == "binary"
        assert schema["required"] == ["video"]
        assert schema["additionalProperties"] is False

    def test_no_field_is_documented_as_null(self) -> None:
        body = UploadForm.openapi()["requestBody"]
        schema = body["content"]["multipart/form-data"]["schema"]
        for field in schema["properties"].values():
            assert field["type"] == "string"
            assert "default" not in field

    def test_swagger_ui_leaves_the_fields_empty(self) -> None:
        """It fills in what the schema suggests, and an empty field is left out."""
        body = UploadForm.openapi()["requestBody"]
        schema = body["content"]["multipart/form-data"]["schema"]
        for name in ("title", "description", "sha256"):
            assert schema["properties"][name]["examples"] == [""]

    @pytest.mark.parametrize("digest", ["", "0" * 64, "aB" * 32])
    def test_a_digest_may_be_left_empty(self, digest: str) -> None:
        assert re.search(self._pattern_of_the_digest(), digest)

    @pytest.mark.parametrize("digest", ["0" * 63, "0" * 65, "g" * 64])
    def test_what_is_no_digest_does_not_fit(self, digest: str) -> None:
        assert not re.search(self._pattern_of_the_digest(), digest)

    @staticmethod
    def _pattern_of_the_digest() -> str:
        body = UploadForm.openapi()["requestBody"]
        schema = body["content"]["multipart/form-data"]["schema"]
        pattern: str = schema["properties"]["sha256"]["pattern"]
        return pattern

    def test_it_is_made_anew_each_time(self) -> None:
        UploadForm.openapi()["requestBody"].clear()
        assert UploadForm.openapi()["requestBody"]

    def test_every_wrong_field_is_named_with_one_message(self) -> None:
        with pytest.raises(Invalid) as raised:
            UploadForm.read({"title": " ", "sha256": "x", "description": "a\x00"})
        assert raised.value.problems == {
            "title": "String should have at least 1 character",
            "sha256": "Must be 64 hexadecimal digits",
            "description": "Must not contain a NUL character",
        }
