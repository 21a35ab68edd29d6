"""Python imports this before all else: its process has a clock that is wrong.

`time` and `datetime` tell `CLOCK_SHIFT_SECONDS` too much. Whoever asks the kernel itself
is told the truth.
"""

import datetime
import os
import time

_SHIFT_SECONDS = float(os.environ["CLOCK_SHIFT_SECONDS"])
_true_time = time.time
_TrueDatetime = datetime.datetime


class _EveryDatetime(type):
    """What C code makes is of the true class."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _TrueDatetime)

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, _TrueDatetime)


class _WrongDatetime(_TrueDatetime, metaclass=_EveryDatetime):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
        return _TrueDatetime.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls) -> datetime.datetime:
        return cls.now(datetime.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> datetime.datetime:
        return cls.now()


time.time = lambda: _true_time() + _SHIFT_SECONDS
time.time_ns = lambda: int(time.time() * 1e9)
datetime.datetime = _WrongDatetime  # type: ignore[misc]
