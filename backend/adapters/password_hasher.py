import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from secrets import token_urlsafe
from threading import BoundedSemaphore
from typing import TypeVar

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import (
    get_default_password_validators,
    validate_password,
)
from django.core.exceptions import ValidationError

from backend.domain.errors import Overloaded

Result = TypeVar("Result")

# Django's validators take eight spaces, or one letter eight times.
LEAST_DIFFERENT_CHARACTERS = 4


class ThreadedPasswordHasher:
    """Django's hashers on a few threads: each hash takes 19 MiB and 26 ms of a core.

    At most `waiting` more wait in line; further ones are refused at once, so that a
    storm of sign-ins costs bounded memory and never blocks the event loop.
    """

    def __init__(self, threads: int = 2, waiting: int = 32) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="passwords")
        self._places = BoundedSemaphore(threads + waiting)
        self._validators = get_default_password_validators()  # Reads a word list.
        self._hash_of_nobody = make_password(token_urlsafe())

    async def hash(self, password: str) -> str:
        return await self._run(make_password, password)

    async def verify(self, password: str, encoded: str | None) -> bool:
        """Does the same work when there is no hash to compare with."""
        matches = await self._run(
            check_password, password, encoded or self._hash_of_nobody
        )
        return matches and encoded is not None

    def weakness(self, password: str, email: str) -> str | None:
        if self._visible_characters(password) < LEAST_DIFFERENT_CHARACTERS:
            return f"It must have {LEAST_DIFFERENT_CHARACTERS} different characters that can be seen."
        mailbox = email.rpartition("@")[0]
        for known in (email, mailbox):  # Django compares with words and the whole.
            account = get_user_model()(email=known)
            try:
                validate_password(password, account, self._validators)
            except ValidationError as error:
                return " ".join(error.messages)
        return None

    @staticmethod
    def _visible_characters(password: str) -> int:
        """How many different ones."""
        return sum(each.isprintable() and not each.isspace() for each in set(password))

    def close(self) -> None:
        """End the threads; hashes in line are done first."""
        self._executor.shutdown()

    async def _run(self, work: Callable[..., Result], *args: str) -> Result:
        if not self._places.acquire(blocking=False):
            raise Overloaded
        running = self._executor.submit(work, *args)
        # Not in a finally clause: a client that leaves does not end the work.
        running.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(running)
