"""`python manage.py create_admin`: makes the first admin."""

import asyncio
import getpass
import os
import sys
from typing import Any, TextIO

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import ProgrammingError

from backend.api.schemas.accounts import EmailRule
from backend.config.container import Container
from backend.domain.accounts import PASSWORD_MOST_CHARACTERS
from backend.domain.errors import MediaProjectError, WeakPassword
from backend.domain.rights import ADMIN


class Command(BaseCommand):
    help = (
        "Make an admin, or give an existing account this password and the role "
        "admin. The password comes from ADMIN_PASSWORD, a prompt, or one line of "
        "standard input; never from the command line, where others could see it."
    )
    requires_system_checks = []

    def __init__(self, *, stdin: TextIO | None = None, **streams: Any) -> None:
        """Django gives a command its output streams; the input may be given as well."""
        super().__init__(**streams)
        self._stdin = sys.stdin if stdin is None else stdin

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", help="the address to sign in with")

    def handle(self, *args: Any, **options: Any) -> None:
        email = self._email(options["email"])
        password = self._password()
        try:
            asyncio.run(self._ensure(email, password))
        except WeakPassword as error:
            raise CommandError(error.problems["password"]) from None
        except ProgrammingError:
            raise CommandError("There are no tables yet: run migrate first.") from None
        except MediaProjectError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{email} is an admin and can sign in.")

    def _email(self, given: str | None) -> str:
        if given is None and not self._stdin.isatty():
            raise CommandError("Give the address with --email.")
        try:
            return EmailRule.folded(input("E-mail: ") if given is None else given)
        except ValueError:
            raise CommandError("This is not a valid e-mail address.") from None

    def _password(self) -> str:
        password = os.environ.get("ADMIN_PASSWORD") or self._asked()
        if not password:
            raise CommandError("Give a password: ADMIN_PASSWORD or standard input.")
        if len(password) > PASSWORD_MOST_CHARACTERS or "\0" in password:
            raise CommandError(
                f"The password has more than {PASSWORD_MOST_CHARACTERS} characters or "
                "one that cannot be stored."
            )
        return self._utf8(password)

    def _asked(self) -> str:
        if not self._stdin.isatty():
            return self._stdin.readline().rstrip("\r\n")
        password = getpass.getpass("Password: ")
        if getpass.getpass("Password again: ") != password:
            raise CommandError("The passwords are not the same.")
        return password

    @staticmethod
    def _utf8(text: str) -> str:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise CommandError("The password is not UTF-8.") from None
        return text

    async def _ensure(self, email: str, password: str) -> None:
        container = Container(settings.ENVIRONMENT)
        try:
            await container.ensure_account.execute(email, password, ADMIN.name)
        finally:
            await container.close()
