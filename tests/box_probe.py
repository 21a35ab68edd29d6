"""A program for the box: tries all that must not work there and prints how it went.

It prints one JSON object: for each attempt the name of the error, or what it returned.
"""

import ctypes
import errno
import json
import mmap
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from backend.adapters import system_calls
from backend.adapters.system_call_box import SystemCallBox

Attempt = Callable[[], Any]


class BoxProbe:
    """Attempts by name; each is made for real, whatever comes of it."""

    _PARENT = os.getppid()
    _LIBRARY = ctypes.CDLL(None, use_errno=True)
    # The same numbers on every machine.
    _IO_URING_SETUP, _PIDFD_OPEN, _CLONE3, _OPENAT2 = 425, 434, 435, 437
    _UNSHARED = 0x4000_0000
    _KEEP_SIZE = 1
    # -1 has the flag with which these are `fstat`.
    _IN_PART = ("newfstatat", "statx")

    def run(self) -> None:
        said = {"boxed": self._tried(self._boxed() | self._harmless())}
        SystemCallBox().seal()
        said["sealed"] = self._tried(self._sealed() | self._harmless())
        sys.stdout.write(json.dumps(said))
        sys.stdout.flush()
        os._exit(0)

    def _boxed(self) -> dict[str, Attempt]:
        return self._network() | self._processes() | self._kernel() | self._files()

    def _network(self) -> dict[str, Attempt]:
        free = self._LIBRARY.connect, self._LIBRARY.bind, self._LIBRARY.sendto
        connect, bind, sendto = (self._c(function) for function in free)
        return {
            "tcp": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
            "udp": lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM),
            "unix": lambda: socket.socket(socket.AF_UNIX),
            "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
            "socketpair": socket.socketpair,
            "connect": lambda: connect(0, b"", 0),
            "bind": lambda: bind(0, b"", 0),
            "sendto": lambda: sendto(0, b"", 0, 0, None, 0),
            "io_uring": lambda: self._call(self._IO_URING_SETUP, 1, 0),
        }

    def _processes(self) -> dict[str, Attempt]:
        return {
            "fork": os.fork,
            "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
            "exec": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606
            "clone3": lambda: self._call(self._CLONE3, 0, 0),
            "kill parent": lambda: os.kill(self._PARENT, 0),
            "kill group": lambda: os.kill(0, 0),
            "kill all": lambda: os.kill(-1, 0),
            "pidfd": lambda: self._call(self._PIDFD_OPEN, self._PARENT, 0),
            "ptrace": lambda: self._c(self._LIBRARY.ptrace)(16, self._PARENT, 0, 0),
            "read memory": lambda: self._c(self._LIBRARY.process_vm_readv)(
                self._PARENT, None, 0, None, 0, 0
            ),
            "limits of parent": lambda: resource.prlimit(
                self._PARENT, resource.RLIMIT_CORE, (0, 0)
            ),
            "priority of parent": lambda: os.setpriority(
                os.PRIO_PROCESS, self._PARENT, 0
            ),
            "signal by fcntl": lambda: self._c(self._LIBRARY.fcntl)(
                0, 8, ctypes.c_long(self._PARENT)
            ),
            "shared memory": lambda: self._c(self._LIBRARY.shmget)(0, 4096, 0o1600),
            "own limits": lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
        }

    def _kernel(self) -> dict[str, Attempt]:
        return {
            "unshare": lambda: self._c(self._LIBRARY.unshare)(self._UNSHARED),
            "mount": lambda: self._c(self._LIBRARY.mount)(b"x", b"?", b"tmpfs", 0, 0),
            "chroot": lambda: os.chroot("?"),
        }

    def _files(self) -> dict[str, Attempt]:
        return {
            "create": lambda: os.open("made", os.O_CREAT | os.O_WRONLY),
            "write": lambda: os.open("/dev/null", os.O_RDWR),
            "truncate": lambda: os.open(__file__, os.O_RDONLY | os.O_TRUNC),
            "openat2": lambda: self._call(self._OPENAT2, -100, b".", 0, 0),
            "mkdir": lambda: os.mkdir("made"),  # noqa: PTH102
            "remove": lambda: os.unlink(__file__),  # noqa: PTH108
            "rename": lambda: os.rename(__file__, "moved"),  # noqa: PTH104
            "link": lambda: os.symlink("/", "made"),  # noqa: PTH211
            "chmod": lambda: os.fchmod(0, 0o600),
            "times": lambda: os.utime(0),
            "take room": lambda: self._c(self._LIBRARY.fallocate)(
                0, self._KEEP_SIZE, ctypes.c_long(0), ctypes.c_long(4096)
            ),
            "cut off": lambda: os.ftruncate(0, os.fstat(0).st_size),
            "write in memory": self._write_in_memory,
        }

    @staticmethod
    def _write_in_memory() -> int:
        """No limit to the size of files sees this."""
        with mmap.mmap(0, 1, access=mmap.ACCESS_WRITE) as shared:
            shared[0] = shared[0]
            return len(shared)

    def _sealed(self) -> dict[str, Attempt]:
        return self._boxed() | {
            "read a file": lambda: os.open(__file__, os.O_RDONLY),
            "in place of another": self._reopen,
            "is it there": lambda: os.stat(__file__),  # noqa: PTH116
            "is it not there": lambda: os.stat("/no such file"),  # noqa: PTH116
            "list": lambda: os.listdir("/"),  # noqa: PTH208
            "link target": lambda: os.readlink("/proc/self/exe"),  # noqa: PTH115
            "thread": lambda: threading.Thread(target=print).start(),
            "others of the table": self._others,
        }

    def _others(self) -> str:
        """All calls by number, as a C library may not use them; in vain, as -1 is no
        address, descriptor or process, even where the box is broken.
        """
        tables = (system_calls.NETWORK, system_calls.PROCESSES, system_calls.KERNEL)
        tables += (system_calls.FILES, system_calls.LOADING, system_calls.NAMES)
        column = ("x86_64", "aarch64").index(os.uname().machine)
        numbers = {
            name: pair[column] for table in tables for name, pair in table.items()
        }
        allowed = [
            name
            for name, number in numbers.items()
            if number is not None
            and name not in self._IN_PART
            and self._outcome(partial(self._call, number, *[-1] * 6)) != "EACCES"
        ]
        return ", ".join(allowed) or "EACCES"

    @staticmethod
    def _reopen() -> int:
        """A limit to the open files does not see this one."""
        spare = os.dup(0)
        os.close(0)
        try:
            return os.open(__file__, os.O_RDONLY)
        finally:
            os.dup2(spare, 0)
            os.close(spare)

    @staticmethod
    def _harmless() -> dict[str, Attempt]:
        return {
            "size of the source": lambda: os.fstat(0).st_size,
            "bytes of the source": lambda: os.pread(0, 9, 0).decode(),
            "memory": lambda: len(bytearray(50_000_000)),
            "limits": lambda: resource.getrlimit(resource.RLIMIT_FSIZE)[0],
            "signal to itself": lambda: signal.raise_signal(signal.SIGCONT),
        }

    @classmethod
    def _tried(cls, attempts: dict[str, Attempt]) -> dict[str, Any]:
        return {name: cls._outcome(attempt) for name, attempt in attempts.items()}

    @staticmethod
    def _outcome(attempt: Attempt) -> Any:
        try:
            return attempt()
        except OSError as error:
            return errno.errorcode[error.errno or 0]
        except RuntimeError as error:
            return str(error)

    @classmethod
    def _call(cls, *arguments: Any) -> int:
        return cls._c(cls._LIBRARY.syscall)(*arguments)

    @staticmethod
    def _c(function: Any) -> Callable[..., int]:
        def checked(*arguments: Any) -> int:
            result = int(function(*arguments))
            if result < 0:
                raise OSError(ctypes.get_errno(), "refused")
            return result

        return checked


if __name__ == "__main__":
    BoxProbe().run()
