import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from secrets import token_hex

from backend.domain.attempts import Allowance, Place
from backend.domain.errors import TooManySignIns

# With 100 attempts under each: some 100 MB at the very worst, and 5 MB in any week.
MOST_KEYS = 10_000


class Window:
    """The attempts under one key, oldest first."""

    def __init__(self) -> None:
        self._begun: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._begun)

    def forget_until(self, moment: float) -> None:
        for token, begun in list(self._begun.items()):
            if begun > moment:
                break
            del self._begun[token]

    def has_room_at(self, most: int) -> float:
        """The time of the attempt that must expire to make room; -inf if none."""
        surplus = len(self) - most
        return list(self._begun.values())[surplus] if surplus >= 0 else -math.inf

    def add(self, token: str, now: float) -> None:
        self._begun[token] = now

    def remove(self, token: str) -> None:
        self._begun.pop(token, None)


class LocalAttemptLimiter:
    """`AttemptLimiter` within one process, for one event loop.

    If there are too many keys, the least recently used one is evicted: a client that
    invents keys to evict others is itself counted under a key that stays.
    """

    def __init__(
        self, most_keys: int = MOST_KEYS, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._windows: OrderedDict[str, Window] = OrderedDict()
        self._most_keys = most_keys
        self._now = now

    async def take(self, allowances: Sequence[Allowance]) -> Place:
        now = self._now()
        if (wait := max(self._wait(one, now) for one in allowances)) > 0:
            raise TooManySignIns(math.ceil(wait))
        place = Place(token_hex(16), tuple(one.key for one in allowances))
        for key in place.keys:
            self._window(key).add(place.token, now)
        return place

    async def give_back(self, place: Place) -> None:
        for key in place.keys:
            if (window := self._windows.get(key)) is not None:
                window.remove(place.token)
                if not window:
                    del self._windows[key]

    def _wait(self, allowance: Allowance, now: float) -> float:
        """Seconds until there is room."""
        window = self._windows.get(allowance.key)
        if window is None:
            return 0.0
        window.forget_until(now - allowance.seconds)
        return window.has_room_at(allowance.most) + allowance.seconds - now

    def _window(self, key: str) -> Window:
        window = self._windows.setdefault(key, Window())
        self._windows.move_to_end(key)
        if len(self._windows) > self._most_keys:
            self._windows.popitem(last=False)
        return window
