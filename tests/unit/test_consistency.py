"""The rules of what is done about what a comparison finds."""

from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.consistency import (
    MOST_NOTED,
    OLDER_THAN_DATABASE,
    RULES,
    TOO_MANY,
    TOO_MANY_ELSEWHERE,
    Ages,
    Finding,
    FindingKind,
    MassRule,
    Outcome,
    Repair,
    Round,
)

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
AGES = Ages(NOW, NOW - timedelta(hours=1), timedelta(seconds=20))
OBJECT = FindingKind.OBJECT_UNOWNED


def found(kind: FindingKind, count: int) -> list[Finding]:
    return [Finding(kind, str(n)) for n in range(count)]


class TestRules:
    def test_every_kind_has_one(self) -> None:
        assert set(RULES) == set(FindingKind)


class TestAges:
    def test_what_is_young_is_not_found(self) -> None:
        young = Finding(OBJECT, "a"), NOW - timedelta(seconds=19)
        assert AGES.unowned([young]) == []

    def test_what_is_old_enough_is_found(self) -> None:
        old = Finding(OBJECT, "a"), NOW - timedelta(seconds=21)
        (finding,) = AGES.unowned([old])
        assert finding == Finding(OBJECT, "a")
        assert finding.action == "remove the object"

    def test_what_is_older_than_the_database_is_left(self) -> None:
        older = Finding(OBJECT, "a"), NOW - timedelta(hours=2)
        (finding,) = AGES.unowned([older])
        assert finding.action == f"left: {OLDER_THAN_DATABASE}"


class TestMassRule:
    @pytest.mark.parametrize(
        ("kind", "count", "compared", "left"),
        [
            (FindingKind.OBJECT_MISSING, 10, 10, False),
            (FindingKind.OBJECT_MISSING, 11, 109, True),
            (FindingKind.OBJECT_MISSING, 11, 110, False),
            (OBJECT, 10, 10, False),
            (OBJECT, 11, 11, True),
            (OBJECT, 11, 1099, True),
            (OBJECT, 11, 1100, False),
        ],
    )
    def test_more_than_ten_and_more_than_a_share(
        self, kind: FindingKind, count: int, compared: int, left: bool
    ) -> None:
        judged = MassRule().judge(found(kind, count), compared, is_wary=False)
        assert {bool(finding.left) for finding in judged} == {left}

    def test_little_on_each_page_is_much_in_the_end(self) -> None:
        """The database is from a backup, and every page lacks a few."""
        rule, noted = MassRule(), [Outcome(f, Repair.DONE) for f in found(OBJECT, 95)]
        few, more = found(OBJECT, 5), found(OBJECT, 6)
        assert not any(
            finding.left
            for finding in rule.judge(few, 2_000, is_wary=False, noted=noted)
        )
        assert all(
            finding.left == TOO_MANY
            for finding in rule.judge(more, 2_000, is_wary=False, noted=noted)
        )

    def test_each_kind_counts_by_itself(self) -> None:
        few = found(FindingKind.OBJECT_MISSING, 3)
        judged = MassRule().judge(found(OBJECT, 11) + few, 20, is_wary=False)
        assert [finding.left for finding in judged] == [TOO_MANY] * 11 + [""] * 3

    def test_what_is_left_for_another_reason_belongs_to_the_mass(self) -> None:
        """The bucket of somebody else has older objects, and younger ones too."""
        old = [finding.leaving("old") for finding in found(OBJECT, 20)]
        judged = MassRule().judge([*old, *found(OBJECT, 1)], 21, is_wary=False)
        assert judged[-1].left == TOO_MANY
        assert judged[0].left == "old"

    def test_beside_a_mass_of_another_kind_nothing_is_removed(self) -> None:
        """In a wrong bucket ours are missing, and those of others are unowned."""
        lost = found(FindingKind.OBJECT_MISSING, 11)
        judged = MassRule().judge([*found(OBJECT, 1), *lost], 12, is_wary=False)
        assert [finding.left for finding in judged] == [
            TOO_MANY_ELSEWHERE,
            *[TOO_MANY] * 11,
        ]

    def test_whoever_is_wary_removes_nothing_and_still_makes_again(self) -> None:
        findings = found(OBJECT, 1) + found(FindingKind.DOCUMENT_MISSING, 1)
        judged = MassRule().judge(findings, 100, is_wary=True)
        assert [finding.left for finding in judged] == [TOO_MANY_ELSEWHERE, ""]


class TestRound:
    def test_it_is_whole_once_every_comparison_was(self) -> None:
        round_ = Round(NOW)
        round_.advance("a", None, [])
        round_.advance("b", "key", [])
        assert (round_.after("a"), round_.after("b")) == ("", "key")
        assert not round_.is_whole(["a", "b"])
        round_.advance("a", "again", [])
        round_.advance("b", None, [])
        assert round_.is_whole(["a", "b"])

    def test_whoever_goes_round_again_finds_what_remained_once_more(self) -> None:
        round_ = Round(NOW)
        left, done = Outcome(Finding(OBJECT, "a")), Finding(OBJECT, "b")
        round_.advance("a", None, [left, Outcome(done, Repair.DONE)])
        round_.advance("a", None, [left])
        assert round_.all_outcomes == [Outcome(done, Repair.DONE), left]

    def test_it_does_not_grow_without_end(self) -> None:
        round_ = Round(NOW)
        left = [Outcome(finding) for finding in found(OBJECT, MOST_NOTED + 1)]
        round_.advance("a", None, left)
        assert len(round_.all_outcomes) == MOST_NOTED

    def test_being_wary_does_not_keep_itself_alive(self) -> None:
        round_ = Round(NOW, after_mass=True)
        waits = Finding(OBJECT, "a", left=TOO_MANY_ELSEWHERE)
        round_.advance("a", None, [Outcome(waits)])
        assert (round_.is_wary, round_.has_mass) == (True, False)
