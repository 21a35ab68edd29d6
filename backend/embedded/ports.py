import contextlib
import errno
import random
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from backend.embedded.errors import PortTaken


class Ports(Protocol):
    """Gives every listener its port, the same one each time it is asked."""

    def port(self, name: str) -> int: ...

    def variable(self, name: str) -> str | None:
        """The environment variable that moves that port, if one does."""


class FreePorts:
    """Free ports, below those that the system gives to outgoing connections."""

    RANGE = range(20_000, 32_000)

    def __init__(self) -> None:
        self._ports: dict[str, int] = {}

    def port(self, name: str) -> int:
        if name not in self._ports:
            self._ports[name] = self._choose()
        return self._ports[name]

    def variable(self, name: str) -> str | None:
        return None

    def _choose(self) -> int:
        for port in random.sample(self.RANGE, k=200):
            if port not in self._ports.values() and self._is_free(port):
                return port
        raise PortTaken("No free port was found between 20000 and 32000 on 127.0.0.1.")

    def _is_free(self, port: int) -> bool:
        return Listener(port).is_free()


class FixedPorts:
    """The announced ports of `make run`, each moved by a variable; SeaweedFS's inner ones follow S3's."""

    ANNOUNCED = {
        "api": ("API_PORT", 8000),
        "s3": ("S3_PORT", 8333),
        "mongo": ("MONGO_PORT", 27117),
        "redis": ("REDIS_PORT", 6479),
    }
    INNER = (
        *("master", "master.grpc", "volume", "volume.grpc"),
        *("filer", "filer.grpc", "s3.grpc"),
    )
    # 8333 leads to 18333 and following; all stay below what outgoing connections are given.
    INNER_FIRST, INNER_COUNT = 10_000, 20_000

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def port(self, name: str) -> int:
        if name in self.ANNOUNCED:
            return self._announced(*self.ANNOUNCED[name])
        place = self.port("s3") % self.INNER_COUNT + self.INNER.index(name)
        return self.INNER_FIRST + place

    def variable(self, name: str) -> str:
        return self.ANNOUNCED[name if name in self.ANNOUNCED else "s3"][0]

    def _announced(self, variable: str, usual: int) -> int:
        given = self._environment.get(variable, "") or str(usual)
        if not given.isdecimal() or not 0 < int(given) < 65_536:
            raise PortTaken(
                f"{variable} must be a port number from 1 to 65535, not {given!r}."
            )
        return int(given)


class PortPlan:
    """The ports that several processes will listen on together."""

    def __init__(self) -> None:
        self._taken: dict[int, tuple[str, str | None]] = {}

    def add(self, process: str, ports: Mapping[int, str | None]) -> None:
        """Raise `PortTaken` for one that another process was given already."""
        for port, variable in ports.items():
            if port in self._taken:
                other, others = self._taken[port]
                names = " or ".join(
                    f"{name}=PORT" for name in (variable, others) if name
                )
                raise PortTaken(
                    f"Port {port} is meant for {process} as well as {other}: "
                    f"choose another with {names or 'a variable of theirs'}."
                )
            self._taken[port] = process, variable


class Listener:
    """One port on 127.0.0.1 and its listener."""

    def __init__(self, port: int) -> None:
        self._port = port

    def is_free(self) -> bool:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self._port))
            except OSError as error:
                return (
                    error.errno != errno.EADDRINUSE
                )  # Another error is the process's own to tell.
        return True

    def require_free(self, process: str, variable: str | None) -> None:
        if self.is_free():
            return
        remedy = (
            f"or choose another with {variable}=PORT" if variable else "and start again"
        )
        raise PortTaken(
            f"Port {self._port}, which {process} needs, is taken by {self._holder()}: "
            f"stop that, {remedy}."
        )

    def _holder(self) -> str:
        """Its name where the system tells: for processes of the same user, and for root."""
        inodes = self._listening_inodes()
        for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
            with contextlib.suppress(OSError):
                if str(descriptor.readlink()) in inodes:
                    process = descriptor.parents[1]
                    name = (process / "comm").read_text().strip()
                    return f"{name} (process {process.name})"
        return "another program"

    def _listening_inodes(self) -> set[str]:
        listening = "0A"
        inodes = set()
        for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
            for line in table.read_text().splitlines()[1:] if table.exists() else []:
                _, local, _, state, *_, inode = line.split()[:10]
                if (
                    state == listening
                    and int(local.rpartition(":")[2], 16) == self._port
                ):
                    inodes.add(f"socket:[{inode}]")
        return inodes
