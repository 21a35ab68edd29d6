"""CHECK constraints generated from the domain's tables and rules."""

from collections.abc import Iterable
from enum import StrEnum

from django.db.models import CheckConstraint, Q

from backend.domain.media import SHA256_PATTERN


class Checks:
    """Builds the constraints of one table; `table` prefixes their names."""

    def __init__(self, table: str) -> None:
        self._table = table

    def one_of(self, field: str, values: Iterable[StrEnum]) -> CheckConstraint:
        allowed = [value.value for value in values]
        return self.that(f"{field}_known", Q(**{f"{field}__in": allowed}))

    def sha256(self, field: str) -> CheckConstraint:
        return self.that(f"{field}_is_sha256", Q(**{f"{field}__regex": SHA256_PATTERN}))

    def that(self, name: str, condition: Q) -> CheckConstraint:
        return CheckConstraint(condition=condition, name=f"{self._table}_{name}")
