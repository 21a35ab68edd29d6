"""Times of the ledger, always by the clock of the database."""

from datetime import timedelta

from django.db.models import DateTimeField, DurationField, Func, Value

# A lease of 15 s unless it is set, renewed three times as often; a bell at most every 10 s.
LEASE = timedelta(seconds=15)
RING_INTERVAL = timedelta(seconds=10)
FIRST_RING_DELAY = timedelta(seconds=2)


class FromNow(Func):
    """The moment this far from now, for use in an INSERT or UPDATE."""

    template = "(STATEMENT_TIMESTAMP() + %(expressions)s)"

    def __init__(self, delay: timedelta) -> None:
        duration = Value(delay, output_field=DurationField())
        super().__init__(duration, output_field=DateTimeField())
