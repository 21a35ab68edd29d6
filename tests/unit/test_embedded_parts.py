"""The small parts of the launcher that need no server."""

import io
import json
import os
import socket
from pathlib import Path

import pytest

from backend.embedded.console import Console, LogFollower
from backend.embedded.errors import EmbeddedError, PortTaken, ProgramMissing
from backend.embedded.folders import DataFolder, SocketFolder
from backend.embedded.ports import FixedPorts, FreePorts, Listener
from backend.embedded.process import Server
from backend.embedded.programs import Programs
from backend.embedded.secret_store import Secrets
from backend.fleet.backoff import Backoff


class TestBackoff:
    def test_each_wait_is_twice_the_last_up_to_the_longest(self) -> None:
        backoff = Backoff(first=1, longest=5)
        assert [backoff.after(0) for _ in range(5)] == [1, 2, 4, 5, 5]

    def test_a_calm_while_begins_anew(self) -> None:
        backoff = Backoff(first=1, longest=8, calm=30)
        assert [backoff.after(lived) for lived in (0, 0, 31, 0)] == [1, 2, 1, 2]


class TestPorts:
    def test_free_ports_differ_and_stay(self) -> None:
        ports = FreePorts()
        chosen = [ports.port(str(number)) for number in range(20)]
        assert len(set(chosen)) == 20
        assert chosen == [ports.port(str(number)) for number in range(20)]

    def test_fixed_ports_are_moved_by_their_variable(self) -> None:
        ports = FixedPorts({"S3_PORT": "9000"})
        assert (ports.port("api"), ports.port("s3"), ports.port("redis")) == (
            8000,
            9000,
            6479,
        )

    def test_inner_ports_follow_the_announced_one_and_never_meet(self) -> None:
        for s3 in ("8333", "9000", "59999", "65535"):
            ports = FixedPorts({"S3_PORT": s3})
            inner = {ports.port(name) for name in FixedPorts.INNER}
            assert len(inner) == len(FixedPorts.INNER)
            assert all(10_000 <= port < 32_768 for port in inner)
            assert int(s3) not in inner

    @pytest.mark.parametrize("given", ["x", "0", "65536", "-1"])
    def test_a_wrong_port_names_its_variable(self, given: str) -> None:
        with pytest.raises(PortTaken, match="API_PORT must be a port number"):
            FixedPorts({"API_PORT": given}).port("api")

    def test_who_holds_a_port_is_named(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            with pytest.raises(
                PortTaken, match=rf"\(process {os.getpid()}\): stop that, or .* X=PORT"
            ):
                Listener(taken.getsockname()[1]).require_free("api", "X")


class TestFolders:
    def test_a_pid_file_of_a_dead_process_counts_for_nothing(
        self, tmp_path: Path
    ) -> None:
        data = DataFolder(tmp_path)
        data.create()
        assert data.pid("api") is None
        data.pid_file("api").write_text("99999999\n")
        assert data.pid("api") is None
        data.pid_file("api").write_text(f"{os.getpid()}\n")
        assert data.pid("api") == os.getpid()

    def test_a_socket_lies_in_the_data_folder_unless_that_is_too_deep(
        self, tmp_path: Path
    ) -> None:
        near = DataFolder(Path("/tmp/d"))  # noqa: S108
        deep = DataFolder(tmp_path / ("d" * 100))
        assert SocketFolder(near, "s").path == near.root / "socket"
        assert len(str(SocketFolder(deep, "s").path)) < 100

    def test_a_socket_folder_of_somebody_else_is_refused(self, tmp_path: Path) -> None:
        data = DataFolder(tmp_path)
        (tmp_path / "socket").symlink_to(tmp_path)
        folder = SocketFolder(data, "s")
        if folder.path.is_symlink():
            with pytest.raises(EmbeddedError, match="belongs to somebody else"):
                folder.create(os.geteuid(), os.getegid())

    def test_data_of_another_user_is_refused(self, tmp_path: Path) -> None:
        foreign = Path("/")
        if os.geteuid() == 0:
            foreign = tmp_path
            os.chown(foreign, 65_534, 65_534)
        with pytest.raises(EmbeddedError, match="belongs to another user"):
            DataFolder(foreign).create()


class TestSecrets:
    def test_they_are_made_once_and_private(self, tmp_path: Path) -> None:
        file = tmp_path / "secrets.json"
        first = Secrets(file).read()
        assert first == Secrets(file).read() == json.loads(file.read_text())
        assert file.stat().st_mode & 0o777 == 0o600
        assert min(len(value) for value in first.values()) >= 30
        assert len(first["JWT_SIGNING_KEY"]) >= 32


class TestPrograms:
    def test_what_is_nowhere_is_one_sentence(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(
            ProgramMissing, match=r"mongod is missing: .* or set MONGO_URL"
        ):
            Programs(tmp_path, tmp_path).find("mongod", "x/mongod", "MONGO_URL")

    def test_a_wheel_comes_before_the_path(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for folder in ("wheel", "path"):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "weed").touch(mode=0o755)
        monkeypatch.setenv("PATH", str(tmp_path / "path"))
        programs = Programs(tmp_path / "wheel", tmp_path)
        assert programs.find("weed", "weed", "X") == tmp_path / "wheel/weed"
        assert programs.find("weed", "gone/weed", "X") == tmp_path / "path/weed"


class SilentServer(Server):
    name = "mongo"

    def command(self) -> list[str]:
        return []

    def is_healthy(self) -> bool:
        return True


class TestServer:
    def test_a_missing_library_names_its_package(self, tmp_path: Path) -> None:
        output = "mongod: error while loading shared libraries: libcurl.so.4: cannot open shared"
        explained = SilentServer(tmp_path / "mongod", tmp_path).explain(output)
        assert (
            explained
            == "mongo needs the library libcurl.so.4: apt-get install libcurl4"
        )

    def test_the_users_secrets_do_not_reach_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "private")
        environment = SilentServer(tmp_path / "mongod", tmp_path).environment()
        assert "AWS_SECRET_ACCESS_KEY" not in environment
        assert environment["HOME"] == str(tmp_path)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class TestConsole:
    def test_plain_lines_without_a_terminal(self) -> None:
        stream = io.StringIO()
        console = Console(stream)
        for state in ("one", "one", "two"):
            console.progress(state)
        console.say("done")
        assert stream.getvalue() == "one\ntwo\ndone\n"

    def test_progress_changes_in_place_on_a_terminal(self) -> None:
        stream = Terminal()
        console = Console(stream)
        console.progress("one")
        console.progress("two")
        console.say("done")
        assert stream.getvalue() == f"one{Console.CLEAR}two{Console.CLEAR}done\n"

    def test_a_log_is_followed_from_where_it_was_by_whole_lines(
        self, tmp_path: Path
    ) -> None:
        log, stream = tmp_path / "api.log", io.StringIO()
        log.write_text("old\n")
        follower = LogFollower("api", log, Console(stream))
        follower.start()
        with log.open("a") as file:
            file.write("new\nhalf")
        follower.stop()
        assert stream.getvalue() == "   api | new\n"
