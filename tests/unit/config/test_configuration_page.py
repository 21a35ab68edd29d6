"""The reference of the configuration: complete and current."""

from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from backend.config.environment import Environment
from backend.config.reference import ConfigurationPage, Undescribed

ROOT = Path(__file__).resolve().parents[3]
LATER = "Taken in without a change of the page's code."


class LaterEnvironment(Environment):
    """As it may be when somebody has added variables."""

    pause_seconds: float | None = Field(None, alias="PAUSE_SECONDS", ge=0.5)
    """Taken in without a change of the page's code."""
    metrics_key: SecretStr | None = Field(None, alias="METRICS_KEY", description=LATER)
    colour: Literal["red", "green"] = Field(alias="COLOUR", description=LATER)


class SilentEnvironment(BaseSettings):
    model_config = SettingsConfigDict(use_attribute_docstrings=True)

    pause_seconds: int = Field(1, alias="PAUSE_SECONDS")


class TestConfigurationPage:
    def test_the_page_is_current(self) -> None:
        page = (ROOT / "docs" / "configuration.md").read_text()
        assert (
            page == ConfigurationPage(Environment).rendered()
        ), "run `python manage.py write_configuration_page`"

    def test_every_variable_has_its_row(self) -> None:
        page = ConfigurationPage(Environment).rendered()
        for field in Environment.model_fields.values():
            assert f"\n| `{field.alias}` | " in page

    @pytest.mark.parametrize(
        "row",
        [
            "| `SECRET_KEY` | text | **required** | secret | Signs ",
            "| `DEBUG` | `true`, `false` | `false` |  | ",
            "| `CDN_ACCESS` | `public`, `signed` | `public` |  | ",
            (
                "| `MAX_VIDEO_BYTES` | whole number, more than 0 | "
                "`53687091200` (50 GiB) |  | "
            ),
            "| `FAILPOINTS_DIR` | path | unset |  | ",
            "| `STAGING_DIR` | path | unset |  | ",
            "| `METRICS_TOKEN` | text | unset | secret | ",
            (
                "| `TRUSTED_PROXIES` | address or network; several with commas between "
                "| unset |  | "
            ),
        ],
    )
    def test_a_row_says_what_is_to_be_known(self, row: str) -> None:
        assert f"\n{row}" in ConfigurationPage(Environment).rendered()

    @pytest.mark.parametrize(
        "row",
        [
            f"| `PAUSE_SECONDS` | number, at least 0.5 | unset |  | {LATER} |",
            f"| `METRICS_KEY` | text | unset | secret | {LATER} |",
            f"| `COLOUR` | `red`, `green` | **required** |  | {LATER} |",
        ],
    )
    def test_what_is_added_is_in_it(self, row: str) -> None:
        assert f"\n{row}\n" in ConfigurationPage(LaterEnvironment).rendered()

    def test_what_does_not_say_what_it_is_for_is_refused(self) -> None:
        with pytest.raises(Undescribed, match="PAUSE_SECONDS"):
            ConfigurationPage(SilentEnvironment).rendered()
