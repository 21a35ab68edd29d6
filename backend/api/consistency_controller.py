"""Whether the stores agree, over HTTP."""

from backend.api.controller import Controller
from backend.api.http.handler import ApiRequest
from backend.api.http.routes import Access
from backend.api.schemas.consistency import ConsistencyOut
from backend.domain.errors import ConsistencyNotKnown
from backend.domain.rights import Right
from backend.orm.consistency_repository import ConsistencyRepository


class ConsistencyController(Controller):
    """The findings of reconciliation, for callers with the right `system.inspect`."""

    tag = "system"

    def __init__(self, reports: ConsistencyRepository) -> None:
        super().__init__()
        self._reports = reports
        self.add(
            "/system/consistency/",
            "GET",
            self.consistency,
            access=Access.any_of(Right.SYSTEM_INSPECT),
            response=ConsistencyOut,
            problems=[ConsistencyNotKnown],
            summary="The latest comparison of the stores",
        )

    async def consistency(self, request: ApiRequest) -> ConsistencyOut:
        """Differences between PostgreSQL, MongoDB, the bucket and the staging folder,
        and what was done about each. 404 `consistency_not_known` until the first
        comparison is complete."""
        return ConsistencyOut.of(await self._reports.latest())
