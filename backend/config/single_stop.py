import signal
from types import FrameType
from typing import Any


class SingleStop:
    """Passes a stop signal to its handler only once.

    Dramatiq drops all attempts at a second signal. If a service manager signals every
    process, the master and the fleet pass the signal on as well. To stop without
    waiting, signal the fleet again: it then kills.
    """

    def __init__(self, number: signal.Signals) -> None:
        self._number = number
        self._handler: Any = signal.getsignal(number)
        self._is_heard = False

    def install(self) -> None:
        signal.signal(self._number, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self._is_heard:
            return
        self._is_heard = True
        self._handler(number, frame)
