from typing import Any
from uuid import UUID

from backend.domain.consistency import Finding, FindingKind, Outcome, Repair


class OutcomesJson:
    """Outcomes as stored in a report.

    Things claimed meanwhile are left out, as they were never wrong.
    """

    _LEFT = "left: "

    @classmethod
    def dump(cls, outcomes: list[Outcome]) -> list[dict[str, Any]]:
        return [
            cls._dump(outcome)
            for outcome in outcomes
            if outcome.repair != Repair.CLAIMED
        ]

    @classmethod
    def load(cls, entries: list[dict[str, Any]]) -> list[Outcome]:
        return [cls._load(entry) for entry in entries]

    @staticmethod
    def _dump(outcome: Outcome) -> dict[str, Any]:
        finding = outcome.finding
        return {
            "kind": finding.kind.value,
            "store": finding.rule.store.value,
            "key": finding.key,
            "media": str(finding.media) if finding.media else None,
            "action": finding.action,
            "applied": outcome.repair == Repair.DONE,
        }

    @classmethod
    def _load(cls, entry: dict[str, Any]) -> Outcome:
        action, media = entry["action"], entry["media"]
        finding = Finding(
            FindingKind(entry["kind"]),
            entry["key"],
            UUID(media) if media else None,
            action.removeprefix(cls._LEFT) if action.startswith(cls._LEFT) else "",
        )
        return Outcome(finding, Repair.DONE if entry["applied"] else Repair.NONE)
