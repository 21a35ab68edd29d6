"""The system calls allowed to a child that reads untrusted bytes, in two stages."""

import fcntl
import os
from typing import Final

from backend.adapters import system_calls
from backend.adapters.seccomp_filter import (
    EQUALS,
    HAS_ANY_OF,
    Condition,
    Conditions,
    SeccompFilter,
)


class SystemCallBox:
    """Closes this process in, step by step and irreversibly.

    Both steps raise `BoxRefused` if the kernel does not support it.
    """

    _CLONE_THREAD: Final = 0x0001_0000
    _AT_EMPTY_PATH: Final = 0x1000
    _WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
    # F_SETOWN and F_SETSIG send any signal to anybody; Python does not name all of them.
    _SIGNALLING: Final = (fcntl.F_SETOWN, 10, 15)

    def enter(self) -> None:
        """From here on: no network, no other process, no change to a file.

        Threads can be made and files be read, so that libraries can be loaded.
        """
        refused = (
            system_calls.NETWORK
            | system_calls.PROCESSES
            | system_calls.KERNEL
            | system_calls.FILES
            | system_calls.LOADING
            | system_calls.ITSELF
        )
        SeccompFilter(refused, self._loading() | self._itself()).install()

    def seal(self) -> None:
        """From here on nothing can be opened or looked up either, and no thread made.

        For a program that has loaded its libraries and comes to what is untrusted:
        media name other files, and parsers open them.
        """
        refused = system_calls.LOADING | system_calls.NAMES
        SeccompFilter(refused, self._open_files()).install()

    def _loading(self) -> Conditions:
        return {
            "clone": (Condition(0, HAS_ANY_OF, self._CLONE_THREAD),),
            "open": (Condition(1, HAS_ANY_OF, self._WRITING, holds=False),),
            "openat": (Condition(2, HAS_ANY_OF, self._WRITING, holds=False),),
        }

    def _itself(self) -> Conditions:
        """`abort` signals itself; limits may be read, and not set."""
        itself = (Condition(0, EQUALS, os.getpid()),)
        no_pointer = (
            Condition(2, EQUALS, 0),
            Condition(2, EQUALS, 0, upper_half=True),
        )
        harmless = tuple(
            Condition(1, EQUALS, command, holds=False) for command in self._SIGNALLING
        )
        return {
            **dict.fromkeys(("kill", "tkill", "tgkill"), itself),
            "prlimit64": no_pointer,
            "fcntl": harmless,
        }

    def _open_files(self) -> Conditions:
        """`fstat` is one of these calls in some C libraries."""
        return {
            "newfstatat": (Condition(3, HAS_ANY_OF, self._AT_EMPTY_PATH),),
            "statx": (Condition(2, HAS_ANY_OF, self._AT_EMPTY_PATH),),
        }
