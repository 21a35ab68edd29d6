import json
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from backend.embedded.folders import DataFolder
from backend.embedded.ports import Listener, Ports
from backend.embedded.process import Server
from backend.embedded.programs import Programs
from backend.embedded.secret_store import Secrets
from backend.embedded.servers.s3_probe import S3Probe


class SeaweedServer(Server):
    """SeaweedFS with its S3 gateway: master, volume server and filer in one process.

    On SIGTERM it waits 15 s for streams to itself that nobody ends, and only then closes its files. All
    it has answered for is in its files before the answer, so it is killed earlier, when its writers
    have ended.
    """

    name = "s3"
    stop_seconds = 1.0
    INNER = ("master", "volume", "filer")
    SIGNED = ("jwt.signing", "jwt.filer_signing", "jwt.filer_signing.read")
    # Nothing on other interfaces, no telemetry, no services that nobody asked for. Master and filer obey
    # anybody over HTTP, a web page of elsewhere too, even to delete a collection: they speak gRPC only.
    # The master is alone. Told so, it leads a new folder at once; else it looks for others for 1.5 s, and
    # a volume server that asks meanwhile comes back 5 s later. With this election it leads at once when
    # it starts again, while the usual one may take 17 s.
    OPTIONS = (
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-disableHttp",
        "-filer",
        "-s3",
        "-s3.iam=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.peers=none",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=512",
        "-master.raftHashicorp",
        "-master.electionTimeout=200ms",
        "-master.heartbeatInterval=50ms",
        "-volume.max=0",
        "-volume.preStopSeconds=0",
    )

    def __init__(
        self, data: DataFolder, programs: Programs, ports: Ports, secrets: Secrets
    ) -> None:
        super().__init__(
            programs.find("weed", None, "S3_ENDPOINT_URL"), data.server(self.name)
        )
        listeners = [
            f"{part}{kind}" for part in (*self.INNER, "s3") for kind in ("", ".grpc")
        ]
        self._ports = {name: ports.port(name) for name in listeners}
        self._variable = ports.variable("s3")
        self._secrets = secrets

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._ports['s3']}"

    @property
    def ports(self) -> Mapping[int, str | None]:
        return dict.fromkeys(self._ports.values(), self._variable)

    def command(self) -> Sequence[str]:
        """Paths are relative to its folder: it takes a comma in one for the end of it."""
        start = [str(self._program), "-logtostderr", "server", "-dir=."]
        identities = f"-s3.config={self._identities.name}"
        return [*start, *self.OPTIONS, *self._port_options(), identities]

    def prepare(self) -> None:
        """A master that was elsewhere would wait for itself: its state goes, the volumes tell it all."""
        super().prepare()
        for state in self._folder.glob("m[0-9]*"):
            if state.name != f"m{self._ports['master']}":
                shutil.rmtree(state, ignore_errors=True)
        self.finish()
        self._write_identities()
        self._write_keys()

    def finish(self) -> None:
        for socket in self._sockets():
            socket.unlink(missing_ok=True)

    def is_healthy(self) -> bool:
        """It listens early, and takes objects once it knows of its volumes."""
        if Listener(self._ports["s3"]).is_free():
            return False
        return S3Probe(self.url, self._secrets.read()).takes_objects()

    @property
    def _identities(self) -> Path:
        return self._folder / "identities.json"

    @property
    def _keys(self) -> Path:
        """It looks for that name in its working folder."""
        return self._folder / "security.toml"

    def _port_options(self) -> list[str]:
        parts = ((*name.partition("."), port) for name, port in self._ports.items())
        return [f"-{part}.port{dot}{kind}={port}" for part, dot, kind, port in parts]

    def _sockets(self) -> list[Path]:
        """Where it listens too, without asking; a killed one leaves them behind."""
        names = (name.replace(".", "-") for name in self._ports)
        temporary = Path("/tmp")  # noqa: S108 - that is where it puts them
        pairs = zip(names, self._ports.values(), strict=True)
        return [temporary / f"seaweedfs-{name}-{port}.sock" for name, port in pairs]

    def _write_identities(self) -> None:
        keys = self._secrets.read()
        credentials = {
            "accessKey": keys["S3_ACCESS_KEY_ID"],
            "secretKey": keys["S3_SECRET_ACCESS_KEY"],
        }
        rights = ["Admin", "Read", "Write", "List", "Tagging"]
        identity = {
            "name": "mediaproject",
            "credentials": [credentials],
            "actions": rights,
        }
        self._write(self._identities, json.dumps({"identities": [identity]}))

    def _write_keys(self) -> None:
        """Its parts sign their requests to each other, so that nobody can bypass the S3
        gateway.

        They are one process and a signature lives for seconds: every start has new
        keys.
        """
        keys = (f'[{part}]\nkey = "{secrets.token_hex(32)}"\n' for part in self.SIGNED)
        self._write(self._keys, "\n".join(keys))

    def _write(self, file: Path, text: str) -> None:
        file.touch(mode=0o600)
        file.write_text(text)
