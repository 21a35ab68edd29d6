"""Runs of the tests at the same time keep out of each other's way."""

import subprocess
import sys
from pathlib import Path

from tests.ports import PortClaims, TestPorts


class TestPortClaims:
    def test_another_process_does_not_get_it(self, tmp_path: Path) -> None:
        path = tmp_path / "ports.lock"
        claims = PortClaims(path)
        assert claims.claim(20_001)
        assert self.elsewhere(path, 20_001) == "False"
        assert self.elsewhere(path, 20_002) == "True"

    def test_it_is_free_again_when_its_process_has_ended(self, tmp_path: Path) -> None:
        path = tmp_path / "ports.lock"
        assert self.elsewhere(path, 20_001) == "True"
        assert PortClaims(path).claim(20_001)

    def test_the_same_process_does_not_get_it_twice(self, tmp_path: Path) -> None:
        claims = PortClaims(tmp_path / "ports.lock")
        assert claims.claim(20_001)
        assert not claims.claim(20_001)

    @staticmethod
    def elsewhere(path: Path, port: int) -> str:
        program = (
            "import sys; from pathlib import Path; from tests.ports import PortClaims;"
            "print(PortClaims(Path(sys.argv[1])).claim(int(sys.argv[2])))"
        )
        command = [sys.executable, "-c", program, str(path), str(port)]
        return subprocess.run(
            command, check=True, capture_output=True, text=True
        ).stdout.strip()


class TestTestPorts:
    def test_two_choosers_share_nothing(self) -> None:
        first, second = TestPorts(), TestPorts()
        names = [str(number) for number in range(50)]
        chosen = {ports.port(name) for ports in (first, second) for name in names}
        assert len(chosen) == 100
