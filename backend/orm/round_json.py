from typing import Any

from backend.domain.consistency import Place, Round
from backend.orm.models import Reconciliation
from backend.orm.outcomes_json import OutcomesJson


class RoundJson:
    """A round as stored in its row, to be continued in the next turn."""

    @staticmethod
    def dump(round_: Round) -> dict[str, Any]:
        return {
            "places": {
                name: [place.after, place.whole]
                for name, place in round_.places.items()
            },
            "outcomes": {
                name: OutcomesJson.dump(noted)
                for name, noted in round_.outcomes.items()
            },
        }

    @staticmethod
    def load(row: Reconciliation) -> Round:
        return Round(
            row.started_at,
            row.after_mass,
            {name: Place(*entry) for name, entry in row.places.items()},
            {name: OutcomesJson.load(noted) for name, noted in row.outcomes.items()},
        )
