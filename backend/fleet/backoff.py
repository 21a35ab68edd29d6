class Backoff:
    """Seconds before the next start: twice as long each time, from the first again after a calm while."""

    def __init__(
        self, first: float = 0.5, longest: float = 8.0, calm: float = 30.0
    ) -> None:
        self._first = first
        self._longest = longest
        self._calm = calm
        self._next = first

    def after(self, lived_seconds: float) -> float:
        delay = self._first if lived_seconds >= self._calm else self._next
        self._next = min(delay * 2, self._longest)
        return delay
