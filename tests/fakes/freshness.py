from backend.domain.freshness import Scope


class InMemoryFreshness:
    """A `Freshness` that nobody listens to; it keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, frozenset[Scope]]] = []

    async def changed(self, *scopes: Scope) -> None:
        self.told.append(("changed", frozenset(scopes)))

    async def touched(self, *scopes: Scope) -> None:
        self.told.append(("touched", frozenset(scopes)))
