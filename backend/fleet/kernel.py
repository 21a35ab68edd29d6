import ctypes
import os
import signal
import sys
from collections.abc import Callable


class Kernel:
    """The Linux calls that keep processes from outliving each other; elsewhere they do nothing."""

    _PR_SET_PDEATHSIG = 1
    _PR_SET_CHILD_SUBREAPER = 36

    @classmethod
    def end_with_parent(cls, has_parent: Callable[[], bool]) -> None:
        """Have this process killed when the thread that started it ends.

        The kernel says nothing of a parent that has ended before, so `has_parent` is asked.
        """
        cls._control(cls._PR_SET_PDEATHSIG, signal.SIGKILL)
        if not has_parent():
            os.kill(os.getpid(), signal.SIGKILL)

    @classmethod
    def adopt_orphans(cls) -> None:
        """Be the parent of all descendants whose own parent ends."""
        cls._control(cls._PR_SET_CHILD_SUBREAPER, 1)

    @staticmethod
    def _control(option: int, value: int) -> None:
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "linux" and library.prctl(option, value, 0, 0, 0):
            raise OSError(ctypes.get_errno(), f"prctl {option} was refused")
