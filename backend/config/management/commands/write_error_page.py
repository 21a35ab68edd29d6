from typing import Any

from django.core.management.base import BaseCommand

from backend.api.http.catalogue import ErrorCatalogue, ErrorPage
from backend.config.settings import BASE_DIR


class Command(BaseCommand):
    """Writes `docs/errors.md` anew from the error catalogue."""

    help = __doc__
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        page = BASE_DIR / "docs" / "errors.md"
        page.write_text(ErrorPage(ErrorCatalogue()).rendered())
        self.stdout.write(f"{page} is written.")
