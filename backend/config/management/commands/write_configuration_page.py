from typing import Any

from django.core.management.base import BaseCommand

from backend.config.environment import Environment
from backend.config.reference import ConfigurationPage
from backend.config.settings import BASE_DIR


class Command(BaseCommand):
    """Writes `docs/configuration.md` anew from the settings class."""

    help = __doc__
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        page = BASE_DIR / "docs" / "configuration.md"
        page.write_text(ConfigurationPage(Environment).rendered())
        self.stdout.write(f"{page} is written.")
