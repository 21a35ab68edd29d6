import contextlib
import fcntl
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.embedded.errors import AlreadyRunning, EmbeddedError


@dataclass(frozen=True, slots=True)
class Launcher:
    """A process that works on a data folder, and where its API is or will be."""

    pid: int
    purpose: str
    address: str


class DataFolder:
    """`.data/`: where each server keeps its files, and where pid files, logs and secrets lie."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.run = self.root / "run"
        self.log = self.root / "log"
        self.staging = self.root / "staging"
        self.secrets = self.root / "secrets.json"
        self.demo_accounts = self.root / "demo-accounts.json"

    def create(self) -> None:
        """Only its owner may list it; a root user's PostgreSQL account may pass through
        to its part."""
        self._make(self.root, 0o711 if os.geteuid() == 0 else 0o700)
        self._require_ours()
        for folder in (self.run, self.log, self.staging):
            self._make(folder, 0o700)

    def server(self, name: str) -> Path:
        return self.root / name

    def pid_file(self, name: str) -> Path:
        return self.run / f"{name}.pid"

    def log_file(self, name: str) -> Path:
        return self.log / f"{name}.log"

    def pid(self, name: str) -> int | None:
        """The process of that name, if its pid file is there and it lives."""
        try:
            pid = int(self.pid_file(name).read_text())
            os.kill(pid, 0)
        except PermissionError:
            return pid
        except (OSError, ValueError):
            return None
        return pid

    @contextlib.contextmanager
    def locked(self, purpose: str, address: str) -> Iterator[None]:
        """Keep a second launcher away; the lock ends with the process, however that ends."""
        self.create()
        with (self.run / "launcher.lock").open("a+") as lock:
            self._take(lock.fileno())
            lock.truncate(0)
            lock.write(f"{os.getpid()} {purpose} {address}\n")
            lock.flush()
            yield

    def launcher(self) -> Launcher | None:
        """The holder of the lock."""
        try:
            with (self.run / "launcher.lock").open() as lock:
                self._take(lock.fileno())
        except AlreadyRunning:
            words = (self.run / "launcher.lock").read_text().split()
            # Empty for the moment between the lock and the line.
            pid, purpose, address = words if len(words) == 3 else ("0", "", "")
            return Launcher(int(pid), purpose, address)
        except FileNotFoundError:
            return None
        return None

    def _take(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(
                f"Another launcher already works on {self.root}: stop it first (Ctrl-C where it runs)."
            ) from None

    def _require_ours(self) -> None:
        owner = self.root.stat().st_uid
        if owner != os.geteuid():
            raise EmbeddedError(
                f"The data folder {self.root} belongs to another user (id {owner}): "
                "start as that user, or remove the folder."
            )

    def _make(self, folder: Path, mode: int) -> None:
        try:
            if not folder.is_dir():
                folder.mkdir(parents=True)
                folder.chmod(mode)
        except OSError as error:
            raise EmbeddedError(
                f"The data folder {folder} cannot be made: {error.strerror}."
            ) from error


class SocketFolder:
    """A private folder for unix sockets, whose paths may not be longer than about 107 bytes."""

    LONGEST = 100

    def __init__(self, folder: DataFolder, longest_name: str) -> None:
        self._folder = folder
        self._longest_name = longest_name

    @property
    def path(self) -> Path:
        """In the data folder, or below the temporary folder where that lies too deep."""
        key = hashlib.sha256(os.fsencode(self._folder.root)).hexdigest()[:12]
        name = f"mediaproject-{os.geteuid()}-{key}"
        shared = Path("/tmp")  # noqa: S108 - refused if it is not ours
        candidates = [
            self._folder.root / "socket",
            Path(tempfile.gettempdir()) / name,
            shared / name,
        ]
        return next(path for path in candidates if self._fits(path))

    def create(self, uid: int, gid: int) -> Path:
        """Make it private to that account; refuse a folder of another user."""
        path = self.path
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), uid):
            raise EmbeddedError(
                f"{path} belongs to somebody else: remove it, or set TMPDIR to a folder of yours."
            )
        path.chmod(0o700)
        os.chown(path, uid, gid)
        return path

    def remove(self) -> None:
        """Take an empty one away again."""
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def _fits(self, path: Path) -> bool:
        return len(os.fsencode(path / self._longest_name)) <= self.LONGEST
