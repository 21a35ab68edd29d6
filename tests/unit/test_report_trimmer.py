import json
from typing import Any

import pytest

from backend.adapters.media_info_report import ReportTrimmer


class TestReportTrimmer:
    @staticmethod
    def trimmed(*tracks: Any) -> tuple[list[dict[str, Any]], bool]:
        trimmer = ReportTrimmer()
        return trimmer.tracks(list(tracks)), trimmer.truncated

    def test_the_type_comes_first_and_values_stay_as_they_are(self) -> None:
        tracks, truncated = self.trimmed(
            {"Format": "AVC", "@type": "Video", "Duration": "5.280"}
        )
        assert list(tracks[0].items()) == [
            ("type", "Video"),
            ("Format", "AVC"),
            ("Duration", "5.280"),
        ]
        assert not truncated

    @pytest.mark.parametrize(
        ("name", "kept"),
        [("$where", "where"), ("a.b", "a_b"), ("$$a", "a"), ("a\x00b", "ab")],
    )
    def test_names_are_safe_in_mongodb(self, name: str, kept: str) -> None:
        tracks, _ = self.trimmed({"@type": "General", "extra": {name: "1"}})
        assert tracks[0]["extra"] == {kept: "1"}

    @pytest.mark.parametrize("name", ["", "$", "\x00", "@", "type"])
    def test_names_that_say_nothing_are_left_out(self, name: str) -> None:
        tracks, _ = self.trimmed({"@type": "Video", name: "1"})
        assert tracks == [{"type": "1" if name == "@type" else "Video"}]

    @pytest.mark.parametrize(
        ("value", "kept"),
        [
            ("a\x00b\x1bc\x9fd", "abcd"),
            ("a\ud800b", "ab"),
            ("a\tb\nc", "a\tb\nc"),
            ({"dt": "binary.base64", "#value": "VAF4"}, "Tx"),
            ({"dt": "binary.base64", "#value": "/w=="}, "\ufffd"),
            ({"dt": "binary.base64", "#value": "!"}, ""),
            (None, ""),
            (5, "5"),
        ],
    )
    def test_values_are_texts_that_can_be_kept(self, value: Any, kept: str) -> None:
        tracks, truncated = self.trimmed({"@type": "General", "Title": value})
        assert tracks[0]["Title"] == kept
        assert not truncated

    def test_a_long_value_is_cut_between_characters(self) -> None:
        tracks, truncated = self.trimmed(
            {"@type": "General", "Title": "é" * 5000 + "x"}
        )
        assert tracks[0]["Title"] == "é" * 4096
        assert truncated

    def test_there_is_an_end_to_tracks_fields_and_depth(self) -> None:
        deep: Any = "bottom"
        for _ in range(50):
            deep = {"a": deep}
        wide = {f"f{number}": "1" for number in range(5_000)}
        many = [{"@type": "Text"}] * 500
        tracks, truncated = self.trimmed({"deep": deep}, wide, *many)
        assert truncated
        assert len(tracks) == 200
        assert len(tracks[1]) <= 1_001
        assert tracks[0] == {"type": "Other", "deep": {"a": {"a": ""}}}

    def test_the_whole_report_stays_far_below_what_mongodb_takes(self) -> None:
        fat = {f"field{number}": "x" * 8_000 for number in range(900)}
        tracks, truncated = self.trimmed(*[{"@type": "Menu", **fat}] * 20)
        assert truncated
        assert len(json.dumps(tracks)) < 4 * 1024 * 1024

    def test_trimming_again_changes_nothing(self) -> None:
        once, _ = self.trimmed(
            {"@type": "General", "$a.b": "x" * 9000, "extra": {"a": ["1", "\x00"]}}
        )
        again, truncated = self.trimmed(*once)
        assert again == once
        assert not truncated

    @pytest.mark.parametrize("found", [None, "x", {}, [1, "x", None]])
    def test_what_is_no_list_of_tracks_is_none(self, found: Any) -> None:
        assert ReportTrimmer().tracks(found) == []
