"""`create_admin` as a person runs it: in a process of its own."""

import asyncio
import os
import pty
import subprocess
import sys
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection

from backend.config.management.commands.create_admin import Command
from tests.accounts import HERE, PASSWORD, Accounts
from tests.uncovered import Uncovered

EMAIL = "root@example.org"


class ManagePy:
    """Runs the command against the test database."""

    def __init__(self, database: str = "") -> None:
        address = urlsplit(os.environ["DATABASE_URL"])
        name = database or connection.settings_dict["NAME"]
        self._environment = Uncovered.environment(
            DATABASE_URL=address._replace(path=f"/{name}").geturl()
        )
        self._words = [sys.executable, "manage.py", "create_admin"]
        self._folder = Path(__file__).resolve().parents[2]

    async def run(
        self, *words: str, stdin: bytes = b"", **environment: str
    ) -> tuple[int, str]:
        """The exit code and everything it wrote."""
        process = await asyncio.create_subprocess_exec(
            *self._words,
            *words,
            cwd=self._folder,
            env=self._environment | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        written, _ = await process.communicate(stdin)
        assert process.returncode is not None
        return process.returncode, written.decode()

    def type(self, *lines: str) -> tuple[int, str]:
        """Answers its prompts at a terminal, each when it is asked."""
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            self._words,
            cwd=self._folder,
            env=self._environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        ) as process:
            os.close(theirs)
            seen = self._converse(ours, list(lines))
        os.close(ours)
        return process.returncode, seen

    @staticmethod
    def _converse(terminal: int, lines: list[str]) -> str:
        seen = answered = ""
        while True:
            try:
                seen += os.read(terminal, 1024).decode()
            except OSError:  # The other end is closed.
                return seen
            if lines and seen.removeprefix(answered).endswith(": "):
                os.write(terminal, f"{lines.pop(0)}\n".encode())
                answered = seen


class InProcess:
    """The command without a process of its own, which takes long to start."""

    async def run(self, *words: str, stdin: bytes) -> tuple[int, str]:
        """The exit code and everything it wrote."""
        written, typed = StringIO(), TextIOWrapper(BytesIO(stdin))
        command = Command(stdin=typed, stdout=written, stderr=written, no_color=True)
        code = await asyncio.to_thread(self._code, command, words)
        return code, written.getvalue()

    @staticmethod
    def _code(command: Command, words: tuple[str, ...]) -> int:
        with pytest.raises(SystemExit) as ended:
            command.run_from_argv(["manage.py", "create_admin", *words])
        return int(ended.value.code or 0)


class TestCreateAdmin:
    async def test_it_makes_an_admin_who_can_sign_in(self, accounts: Accounts) -> None:
        code, text = await ManagePy().run(
            "--email", "Root@Example.org", ADMIN_PASSWORD=PASSWORD
        )
        assert (code, text) == (0, f"{EMAIL} is an admin and can sign in.\n")
        tokens = await accounts.sign_in.execute(EMAIL, PASSWORD, HERE)
        assert (await accounts.known_caller(tokens)).role == "admin"

    async def test_a_second_run_changes_password_and_role(
        self, accounts: Accounts
    ) -> None:
        made = await accounts.make(EMAIL, "viewer")
        await accounts.change(made.user_id, is_active=False)
        code, _ = await ManagePy().run(
            "--email", EMAIL, stdin=b"another horse battery\n"
        )
        assert code == 0
        tokens = await accounts.sign_in.execute(EMAIL, "another horse battery", HERE)
        caller = await accounts.known_caller(tokens)
        assert (caller.user_id, caller.role) == (made.user_id, "admin")

    async def test_it_asks_at_a_terminal_and_shows_no_password(
        self, accounts: Accounts
    ) -> None:
        code, seen = await asyncio.to_thread(ManagePy().type, EMAIL, PASSWORD, PASSWORD)
        assert code == 0, seen
        assert seen.split("\r\n")[1:] == [
            "Password: ",
            "Password again: ",
            f"{EMAIL} is an admin and can sign in.",
            "",
        ]
        assert PASSWORD not in seen
        assert await accounts.sign_in.execute(EMAIL, PASSWORD, HERE)

    async def test_two_passwords_that_differ_make_nothing(
        self, accounts: Accounts
    ) -> None:
        code, seen = await asyncio.to_thread(
            ManagePy().type, EMAIL, PASSWORD, PASSWORD + "!"
        )
        assert code == 1
        assert "The passwords are not the same." in seen
        assert await accounts.ledger.credentials(EMAIL) is None

    @pytest.mark.parametrize(
        ("words", "stdin", "complaint"),
        [
            (["--email", EMAIL], b"seven77\n", "at least 8 characters"),
            (["--email", EMAIL], b"root@example\n", "similar to the email"),
            (["--email", EMAIL], b"", "Give a password"),
            (["--email", EMAIL], b"\n", "Give a password"),
            (["--email", EMAIL], b"x" * 1_025, "more than 1024"),
            (["--email", EMAIL], b"nul\0nul\0nul\n", "cannot be stored"),
            (["--email", "root"], b"x\n", "not a valid e-mail address"),
            ([], b"x\n", "Give the address with --email"),
        ],
        ids=range(8),
    )
    async def test_what_is_wrong_is_said_in_one_line(
        self,
        accounts: Accounts,
        words: list[str],
        stdin: bytes,
        complaint: str,
    ) -> None:
        code, text = await InProcess().run(*words, stdin=stdin)
        await self._check_complaint(accounts, code, text, complaint)

    @pytest.mark.parametrize(
        ("stdin", "complaint"),
        [(b"password\n", "too common"), (b"\xff\xfe\xfd" * 5, "not UTF-8")],
        ids=range(2),
    )
    async def test_a_process_says_it_in_one_line_too(
        self, accounts: Accounts, stdin: bytes, complaint: str
    ) -> None:
        code, text = await ManagePy().run("--email", EMAIL, stdin=stdin)
        await self._check_complaint(accounts, code, text, complaint)

    @staticmethod
    async def _check_complaint(
        accounts: Accounts, code: int, text: str, complaint: str
    ) -> None:
        assert code == 1
        assert complaint in text
        assert text.count("\n") == 1
        assert await accounts.ledger.credentials(EMAIL) is None

    @pytest.mark.parametrize(
        ("database", "complaint"),
        [
            ("template1", "run migrate first"),
            ("nowhere", "PostgreSQL cannot be reached"),
        ],
    )
    async def test_a_database_that_is_not_ready_is_named(
        self, accounts: Accounts, database: str, complaint: str
    ) -> None:
        code, text = await ManagePy(database).run(
            "--email", EMAIL, ADMIN_PASSWORD=PASSWORD
        )
        assert (code, text.count("\n")) == (1, 1)
        assert complaint in text
