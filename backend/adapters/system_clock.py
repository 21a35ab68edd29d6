from datetime import UTC, datetime


class SystemClock:
    """The `Clock` port on the clock of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)
