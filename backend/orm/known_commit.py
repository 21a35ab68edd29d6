"""A transaction that says whether it was committed."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import transaction

from backend.domain.errors import CommitUnknown
from backend.orm.away import LOST

P = ParamSpec("P")
R = TypeVar("R")


class KnownCommit:
    """Distinguishes a failed transaction from one whose outcome is unknown."""

    @staticmethod
    def of(write: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Raises `CommitUnknown`, and whatever `write` raises."""
        written = False
        try:
            with transaction.atomic():
                result = write(*args, **kwargs)
                written = True
        except LOST as error:
            if not written:
                raise
            # Everything was written and only the answer to COMMIT is missing.
            raise CommitUnknown from error
        return result
