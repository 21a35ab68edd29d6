"""The real password hasher, and one whose work can be counted and held."""

import threading
from collections.abc import Iterator
from typing import ClassVar

import pytest
from pytest_django import Settings

from backend.adapters.argon2 import OwaspArgon2
from backend.adapters.password_hasher import ThreadedPasswordHasher


class CountingArgon2(OwaspArgon2):
    """The real hasher; tells what it was asked and can be held at the door."""

    work: ClassVar[list[str]] = []
    threads: ClassVar[set[str]] = set()
    door: ClassVar[threading.Event] = threading.Event()

    def encode(self, password: str, salt: str) -> str:
        self._enter("encode")
        return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        self._enter("verify")
        return super().verify(password, encoded)

    def _enter(self, work: str) -> None:
        self.door.wait(timeout=30)
        self.work.append(work)
        self.threads.add(threading.current_thread().name)


@pytest.fixture
def argon2(settings: Settings) -> type[CountingArgon2]:
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingArgon2"]
    CountingArgon2.work.clear()
    CountingArgon2.threads.clear()
    CountingArgon2.door.set()
    return CountingArgon2


@pytest.fixture(scope="session")
def password_hasher() -> Iterator[ThreadedPasswordHasher]:
    hasher = ThreadedPasswordHasher()
    yield hasher
    hasher.close()
