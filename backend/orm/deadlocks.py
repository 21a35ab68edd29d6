"""What to do about deadlocks."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import OperationalError
from psycopg.errors import DeadlockDetected

P = ParamSpec("P")
R = TypeVar("R")


class DeadlockRetry:
    """Runs a transaction again when PostgreSQL has chosen it to break a deadlock."""

    MOST_RETRIES = 3

    def run(self, unit: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(self.MOST_RETRIES):
            try:
                return unit(*args, **kwargs)
            except OperationalError as error:
                if not isinstance(error.__cause__, DeadlockDetected):
                    raise
        return unit(*args, **kwargs)
