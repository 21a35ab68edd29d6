import json
import subprocess
import sys

import pytest

# A process of its own: the set-up is for a whole process.
SCRIPT = """
import logging, sys, structlog, warnings
from backend.config.logs import Logs
Logs(sys.argv[1]).configure()
structlog.contextvars.bind_contextvars(request_id="r-1")
log = structlog.get_logger("ours")
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
log.info("media.stored", path="/a\\r\\nforged\\x1b[31m", title="Gr\\u00f6\\u00dfe")
log.info("sign.in", password="hunter2", nested={"refresh": TOKEN, "list": [TOKEN]})
logging.getLogger("theirs").warning("header %s", "Bearer opaque-secret")
warnings.warn("that is old")
try:
    raise RuntimeError("bad\\r\\nforged " + TOKEN)
except RuntimeError:
    log.exception("request.failed")
"""


class LogProcess:
    @staticmethod
    def lines(form: str) -> list[str]:
        command = [sys.executable, "-c", SCRIPT, form]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stderr.splitlines()


@pytest.fixture(scope="module", params=["console", "json"])
def lines(request: pytest.FixtureRequest) -> list[str]:
    return LogProcess.lines(request.param)


class TestLogs:
    def test_no_secret_is_written(self, lines: list[str]) -> None:
        text = "\n".join(lines)
        for secret in ("eyJ", "hunter2", "opaque-secret"):
            assert secret not in text

    def test_nobody_can_forge_a_line(self, lines: list[str]) -> None:
        assert not any(line.startswith("forged") for line in lines)
        assert not any("\x1b" in line for line in lines)

    def test_each_line_tells_its_request(self, lines: list[str]) -> None:
        events = [line for line in lines if not line.startswith(" ")]
        assert len(events) == 5
        assert all("r-1" in line for line in events)

    def test_json_lines_are_json(self) -> None:
        lines = LogProcess.lines("json")
        stored, _, theirs, warned, failed = (json.loads(line) for line in lines)
        assert (stored["event"], stored["title"]) == ("media.stored", "Größe")
        assert theirs["level"] == "warning"
        assert "that is old" in warned["event"]
        assert "RuntimeError" in failed["exception"]


class TestAccessLog:
    SCRIPT = """
import logging, sys
from backend.config.logs import Logs
access = logging.getLogger("uvicorn.access")
if sys.argv[1] == "off":  # what `uvicorn --no-access-log` does
    access.handlers, access.propagate = [], False
Logs("console").configure()
access.info("GET /ping/")
"""

    @pytest.mark.parametrize(("switch", "lines"), [("on", 1), ("off", 0)])
    def test_it_stays_off_when_uvicorn_was_told_so(
        self, switch: str, lines: int
    ) -> None:
        command = [sys.executable, "-c", self.SCRIPT, switch]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert len(done.stderr.splitlines()) == lines
