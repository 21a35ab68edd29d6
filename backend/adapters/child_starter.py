"""Forks a boxed child for each file: `child_starter.py LIMITS PROGRAM MODULE
FOLDER...`.

Python and the libraries of the program are loaded once, here, but never a byte of an
uploaded file: a child is closed in before it reads its file, and never serves a second
one. Orders come through standard input, a socket of packets; it ends when that is
closed and its last child has ended. Standard library only, and on one thread, for a
fork takes one along.
"""

import ctypes
import importlib
import json
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from backend.adapters.boxed_child import BoxedChild


class ChildStarter:
    """Starts the ordered children, kills each when its channel is closed, and reports
    how it ended.

    An order is the folder of the child with four descriptors: its standard input,
    output and errors, and the channel through which its exit status is reported.
    """

    _PR_SET_PDEATHSIG: Final = 1
    _MOST_FOLDER_BYTES: Final = 4096
    _DESCRIPTORS: Final = 4

    def __init__(self, limits: str, program: str, module: str, *folders: str) -> None:
        self._limits: dict[str, int] = json.loads(limits)
        self._program = program
        self._module = module
        self._folders = folders
        self._orders = socket.socket(fileno=os.dup(0))
        self._ended, self._wakes = os.pipe()
        self._poll = select.poll()
        # Channels by process, and processes by channel.
        self._channels: dict[int, int] = {}
        self._children: dict[int, int] = {}
        self._is_wanted = True

    def serve(self) -> "BoxedChild | None":
        """Returns once in every child, with what that has to run, and here at the
        end."""
        self._prepare()
        while self._is_wanted or self._children:
            for descriptor, _ in self._poll.poll():
                if descriptor == self._ended:
                    self._reap()
                elif descriptor in self._children:
                    self._kill(descriptor)
                elif descriptor == self._orders.fileno():
                    child = self._take_order()
                    if child is not None:
                        return child
        return None

    def _prepare(self) -> None:
        # It and its children ignore a stop signal meant for the worker: the worker ends
        # them, and knows why.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        # A worker that is killed can no longer end what it has started.
        ctypes.CDLL(None).prctl(self._PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        # After the standard library in the path, so that nothing can shadow it.
        sys.path.extend(self._folders)
        for module in filter(None, ("backend.adapters.boxed_child", self._module)):
            importlib.import_module(module)
        os.set_blocking(self._ended, False)
        os.set_blocking(self._wakes, False)
        signal.set_wakeup_fd(self._wakes, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for descriptor in (self._orders.fileno(), self._ended):
            self._poll.register(descriptor, select.POLLIN)

    def _take_order(self) -> "BoxedChild | None":
        folder, descriptors, _, _ = socket.recv_fds(
            self._orders, self._MOST_FOLDER_BYTES, self._DESCRIPTORS
        )
        if not folder:
            self._poll.unregister(self._orders)
            self._is_wanted = False
            return None
        *streams, channel = descriptors
        starter = os.getpid()
        pid = os.fork()
        if pid == 0:
            return self._child(starter, folder, streams)
        for descriptor in streams:
            os.close(descriptor)
        self._channels[pid], self._children[channel] = channel, pid
        self._poll.register(channel, select.POLLIN)
        return None

    def _kill(self, channel: int) -> None:
        """Nobody waits for it any more.

        It has not been reaped, so its process id is still its own.
        """
        self._poll.unregister(channel)
        os.kill(self._children[channel], signal.SIGKILL)

    def _reap(self) -> None:
        """One wake-up may stand for several children."""
        os.read(self._ended, 4096)
        while self._channels:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._tell(self._channels.pop(pid), os.waitstatus_to_exitcode(status))

    def _tell(self, channel: int, status: int) -> None:
        del self._children[channel]
        with suppress(KeyError):  # It was killed.
            self._poll.unregister(channel)
        with suppress(OSError):  # The channel has been closed.
            os.write(channel, str(status).encode())
        os.close(channel)

    def _child(
        self, starter: int, folder: bytes, streams: list[int]
    ) -> "BoxedChild | None":
        """From here on it leads its own group, and has no descriptors of ours."""
        from backend.adapters.boxed_child import BoxedChild

        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        for standard, descriptor in enumerate(streams):
            os.dup2(descriptor, standard)
        self._orders.detach()
        self._close_others()
        os.chdir(folder)
        child = BoxedChild(self._limits, self._program, [])
        child.end_with(starter)
        return child

    @staticmethod
    def _close_others() -> None:
        for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - pathlib is slow
            if int(name) > 2:
                # The one the list was read with is closed already.
                with suppress(OSError):
                    os.close(int(name))


if __name__ == "__main__":
    child = ChildStarter(*sys.argv[1:]).serve()
    if child is not None:
        child.run()
