"""The findings of a comparison of the stores, and the rules for repairing them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID


class FindingKind(StrEnum):
    STAGED_FILE_UNOWNED = "staged_file_unowned"
    UPLOAD_UNOWNED = "upload_unowned"
    OBJECT_UNOWNED = "object_unowned"
    OBJECT_MISSING = "object_missing"
    OBJECT_RETURNED = "object_returned"
    DOCUMENT_UNOWNED = "document_unowned"
    DOCUMENT_MISSING = "document_missing"
    BLOB_UNUSED = "blob_unused"
    MEDIA_WITHOUT_JOB = "media_without_job"


class ComparedStore(StrEnum):
    DATABASE = "database"
    OBJECT_STORE = "object_store"
    DOCUMENT_STORE = "document_store"
    STAGING = "staging"


@dataclass(frozen=True, slots=True)
class Rule:
    """Where a kind of finding occurs and how it is repaired.

    `removes`: the repair cannot be undone. `telling`: many of them at once indicate a
    wrong database or store. A killed worker leaves behind as many staged files and
    uploads as it was working on, so many of these indicate nothing.
    """

    store: ComparedStore
    action: str
    removes: bool = False
    telling: bool = False


RULES = {
    FindingKind.STAGED_FILE_UNOWNED: Rule(
        ComparedStore.STAGING, "remove the file", removes=True
    ),
    FindingKind.UPLOAD_UNOWNED: Rule(
        ComparedStore.OBJECT_STORE, "abort the upload", removes=True
    ),
    FindingKind.OBJECT_UNOWNED: Rule(
        ComparedStore.OBJECT_STORE, "remove the object", removes=True, telling=True
    ),
    FindingKind.OBJECT_MISSING: Rule(
        ComparedStore.OBJECT_STORE,
        "store it again from its staged file, or fail its media if there is none",
        telling=True,
    ),
    FindingKind.OBJECT_RETURNED: Rule(
        ComparedStore.OBJECT_STORE, "publish its media again"
    ),
    FindingKind.DOCUMENT_UNOWNED: Rule(
        ComparedStore.DOCUMENT_STORE, "remove the document", removes=True, telling=True
    ),
    FindingKind.DOCUMENT_MISSING: Rule(
        ComparedStore.DOCUMENT_STORE, "extract it again", telling=True
    ),
    FindingKind.BLOB_UNUSED: Rule(
        ComparedStore.DATABASE, "remove the row", removes=True, telling=True
    ),
    FindingKind.MEDIA_WITHOUT_JOB: Rule(
        ComparedStore.DATABASE, "open the jobs that it lacks"
    ),
}

OLDER_THAN_DATABASE = "older than the database"
TOO_MANY = "too many, run manage.py reconcile --apply"
TOO_MANY_ELSEWHERE = "too many elsewhere, run manage.py reconcile --apply"
# Of each comparison; the log has them all.
MOST_NOTED = 1_000


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that one store has and another lacks.

    `key` is its name in its store, `media` one of those that show it. `left` says why
    it is not repaired.
    """

    kind: FindingKind
    key: str
    media: UUID | None = None
    left: str = ""
    upload: "UnownedUpload | None" = None

    @property
    def rule(self) -> Rule:
        return RULES[self.kind]

    @property
    def action(self) -> str:
        """The repair, or `left:` and why it is not done."""
        return f"left: {self.left}" if self.left else self.rule.action

    def leaving(self, reason: str) -> "Finding":
        """The finding with this reason, unless it has one already."""
        return self if self.left else replace(self, left=reason)


@dataclass(frozen=True, slots=True)
class UnownedUpload:
    """Distinguishes several uploads under one key."""

    upload_id: str
    begun_at: datetime


class Repair(StrEnum):
    """The result of the attempt to repair a finding."""

    DONE = "repaired"
    CLAIMED = "claimed meanwhile"
    NONE = "left"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finding as it stands in the report."""

    finding: Finding
    repair: Repair = Repair.NONE

    @property
    def remains(self) -> bool:
        return self.repair == Repair.NONE


@dataclass(frozen=True, slots=True)
class Ages:
    """How old a thing must be before it is found, and how old it may be to be removed.

    `now` and `database_made_at` are by the clock of the database. Things without an
    owner that are older than the database belonged to an earlier one.
    """

    now: datetime
    database_made_at: datetime
    grace: timedelta

    def is_young(self, since: datetime) -> bool:
        return since > self.now - self.grace

    def unowned(self, found: Iterable[tuple[Finding, datetime]]) -> list[Finding]:
        """The suspects that are too old to have an owner still uncommitted, each with
        its repair."""
        return [
            self._unowned(finding, since)
            for finding, since in found
            if not self.is_young(since)
        ]

    def _unowned(self, finding: Finding, since: datetime) -> Finding:
        if since < self.database_made_at:
            return finding.leaving(OLDER_THAN_DATABASE)
        return finding


@dataclass(frozen=True, slots=True)
class MassRule:
    """Many at once indicate a restored database or a wrong bucket: a person decides.

    All removals, on the same page too, then wait for a report without such a mass: in a
    wrong bucket our objects are missing, and the few without an owner belong to
    somebody else. Things older than the database belong to the mass, because their
    owner may own the younger ones too. Removals make a mass much sooner: a database
    from last night's backup lacks a small share of a large system, and no flow of ours
    leaves so many things behind.
    """

    most: int = 10
    most_share: float = 0.1
    most_removed_share: float = 0.01
    # A share of each page may be small, and the sum of all pages large.
    most_removed_in_round: int = 100

    def judge(
        self,
        findings: Sequence[Finding],
        compared: int,
        *,
        is_wary: bool,
        noted: Iterable[Outcome] = (),
    ) -> tuple[Finding, ...]:
        """The same findings; those that must wait become left.

        `noted` are those of this round.
        """
        before = Counter(one.finding.kind for one in noted if not one.remains)
        masses = {
            kind
            for kind in RULES
            if self._is_mass(kind, findings, compared, before[kind])
        }
        wary = is_wary or bool(masses)
        return tuple(self._judge(one, masses, wary) for one in findings)

    @staticmethod
    def _judge(finding: Finding, masses: set[FindingKind], is_wary: bool) -> Finding:
        if finding.kind in masses:
            return finding.leaving(TOO_MANY)
        if is_wary and finding.rule.removes:
            return finding.leaving(TOO_MANY_ELSEWHERE)
        return finding

    def _is_mass(
        self, kind: FindingKind, findings: Sequence[Finding], compared: int, before: int
    ) -> bool:
        rule = RULES[kind]
        count = sum(finding.kind == kind for finding in findings)
        if not rule.telling or not count:
            return False
        if rule.removes and before + count > self.most_removed_in_round:
            return True
        share = self.most_removed_share if rule.removes else self.most_share
        return count > self.most and count > share * compared


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a comparison, with its number of entries, up to `until`; None is the
    end."""

    findings: Sequence[Finding]
    compared: int
    until: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """How far a comparison has got; it starts again once it was `whole`."""

    after: str = ""
    whole: bool = False


@dataclass(slots=True)
class Round:
    """All comparisons, until each has been whole since `started_at`.

    `after_mass`: the round before has left something because there was too much of it.
    """

    started_at: datetime
    after_mass: bool = False
    places: dict[str, Place] = field(default_factory=dict)
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)

    def after(self, comparison: str) -> str:
        """Where the comparison continues."""
        return self.places.get(comparison, Place()).after

    def advance(
        self, comparison: str, until: str | None, outcomes: Iterable[Outcome]
    ) -> None:
        """A comparison that starts again finds the remaining differences once more."""
        noted = self.outcomes.get(comparison, [])
        place = self.places.get(comparison, Place())
        if not place.after:
            noted = [outcome for outcome in noted if not outcome.remains]
        self.outcomes[comparison] = [*noted, *outcomes][-MOST_NOTED:]
        self.places[comparison] = Place(until or "", place.whole or until is None)

    def is_whole(self, comparisons: Iterable[str]) -> bool:
        return all(self.places.get(name, Place()).whole for name in comparisons)

    @property
    def all_outcomes(self) -> list[Outcome]:
        return [one for noted in self.outcomes.values() for one in noted]

    @property
    def is_wary(self) -> bool:
        return self.after_mass or self.has_mass

    @property
    def has_mass(self) -> bool:
        return any(one.finding.left == TOO_MANY for one in self.all_outcomes)
