"""`docs/upload.md` names what an upload passes: all of it is there."""

import re
from importlib import import_module
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "upload.md"
STATION = re.compile(r"^\| (\d+) \| `([\w.]+):(\w+)\.(\w+)` \|", re.MULTILINE)
STATIONS = STATION.findall(DOCUMENT.read_text())


class TestTheWayOfAnUpload:
    def test_it_has_at_most_twelve_stations_in_order(self) -> None:
        numbers = [int(number) for number, *_ in STATIONS]
        assert numbers == list(range(1, len(numbers) + 1))
        assert 8 <= len(numbers) <= 12

    @pytest.mark.parametrize(("_", "module", "owner", "method"), STATIONS)
    def test_a_station_is_a_method_of_a_class_of_ours(
        self, _: str, module: str, owner: str, method: str
    ) -> None:
        found = getattr(import_module(module), owner)
        assert callable(vars(found)[method])
