"""Redis forgets, freezes or cannot be heard: it is only the doorbell."""

import time
from collections.abc import Callable

import dramatiq
import pytest
import redis
from dramatiq.brokers.redis import RedisBroker

from tests.faults.harness import FaultStack
from tests.faults.http_proxy import Asks
from tests.faults.uploads import Uploads

PUT = "upload_to_cdn"


class Bell:
    """The Redis of a stack, without a proxy."""

    def __init__(self, stack: FaultStack) -> None:
        self._url = stack.servers.direct()["REDIS_URL"]

    def flush(self) -> None:
        with redis.Redis.from_url(self._url) as client:
            client.flushall()

    def configure(self, **settings: str) -> None:
        with redis.Redis.from_url(self._url) as client:
            for name, value in settings.items():
                client.config_set(name.replace("_", "-"), value)

    def refusals(self) -> int:
        """How often it has answered with an error; a script that fails counts as one."""
        with redis.Redis.from_url(self._url) as client:
            return sum(each["count"] for each in client.info("errorstats").values())

    def unacknowledged(self) -> set[bytes]:
        """Messages that Redis has given away, and of which nobody said he has them."""
        with redis.Redis.from_url(self._url) as client:
            given = client.scan_iter("dramatiq:__acks__.*")
            return {message for key in given for message in client.smembers(key)}

    def send(self, actor: str) -> None:
        """A message for an actor that nobody has any more."""
        message = dramatiq.Message(
            queue_name=PUT, actor_name=actor, args=(), kwargs={}, options={}
        )
        broker = RedisBroker(url=self._url)
        try:
            broker.declare_queue(PUT)
            broker.enqueue(message)
        finally:
            broker.client.close()


@pytest.mark.faults
class TestLostFetch:
    LOST = 4

    def test_f13_messages_that_were_given_away_and_never_came(
        self, stack: FaultStack, uploads: Uploads
    ) -> None:
        bell = Bell(stack)
        with stack.stopped("worker"):
            uploads.several(self.LOST)
            # The first that are asked for, while messages wait in each queue.
            fetches = [
                stack.proxy("redis").lose_reply(number, containing=b"fetch")
                for number in range(1, self.LOST + 1)
            ]
        took = stack.oracle.until_content(uploads.taken)
        stranded = bell.unacknowledged()
        print(f"ready after {took:.0f} s, {len(stranded)} stranded")  # noqa: T201
        assert all(fetch.happened for fetch in fetches)
        assert stranded
        for taken in uploads.taken:
            assert uploads.attempts(taken, PUT) == [("succeeded", None)]


class TestLostReply:
    def test_f14_a_message_that_was_sent_and_not_confirmed(
        self, stack: FaultStack, uploads: Uploads
    ) -> None:
        reply = stack.proxy("redis").lose_reply(containing=b"enqueue")
        taken = uploads.one()
        stack.oracle.until_content(uploads.taken)
        assert reply.happened
        assert uploads.attempts(taken, PUT) == [("succeeded", None)]


class TestLostConnections:
    def test_who_asks_next_is_answered_as_if_nothing_had_been(
        self, stack: FaultStack, uploads: Uploads
    ) -> None:
        uuid = uploads.one().uuid
        stack.proxy("redis").reset_once()
        jobs = f"/media/{uuid}/jobs/"
        answers = [uploads.client.http.get(jobs) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200] * 5
        stack.oracle.until_content(uploads.taken)


Loss = Callable[[FaultStack], object]


@pytest.mark.faults
class TestLostMessages:
    # More than a worker has threads.
    RUNNING, DELAYED = 12, 3

    @pytest.mark.parametrize(
        "lose",
        [lambda stack: Bell(stack).flush(), lambda stack: stack.kill_and_wait("redis")],
        ids=["FLUSHALL", "kill"],
    )
    def test_f11_with_jobs_queued_running_and_delayed(
        self, stack: FaultStack, uploads: Uploads, lose: Loss
    ) -> None:
        stack.s3.answer(503, "SlowDown", Asks.store)
        uploads.several(self.DELAYED)
        self._until_puts(stack, 1, "run_after > now() + interval '5 s'")
        stack.s3.heal()
        stack.proxy("s3").black_hole()
        uploads.several(self.RUNNING)
        self._until_puts(stack, 3, "status = 'running'")
        self._until_puts(stack, 3, "status = 'queued' AND run_after < now()")
        self._until_puts(stack, 1, "run_after > now()")
        lose(stack)
        stack.proxy("s3").heal()
        took = stack.oracle.until_content(uploads.taken, 90.0)
        print(f"all are ready after {took:.0f} s")  # noqa: T201

    @staticmethod
    def _until_puts(stack: FaultStack, least: int, which: str) -> None:
        query = "SELECT 1 FROM job WHERE kind = %s AND {} HAVING count(*) >= %s"
        stack.until_row(query.format(which), PUT, least)

    def test_f15_while_a_failed_attempt_is_queued_again(
        self, stack: FaultStack, uploads: Uploads
    ) -> None:
        stack.s3.answer(503, "SlowDown", Asks.store)
        taken = uploads.one()
        uploads.until_running(taken, PUT)
        stack.proxy("redis").refuse()
        assert uploads.until_failed_once(taken, PUT) == "object_store_away"
        stack.heal()
        stack.oracle.until_content(uploads.taken)
        outcomes = [outcome for outcome, _ in uploads.attempts(taken, PUT)]
        assert outcomes[-1] == "succeeded"

    def test_f52_messages_for_an_actor_of_another_version(
        self, stack: FaultStack, uploads: Uploads
    ) -> None:
        for _ in range(3):
            Bell(stack).send("put_into_the_cdn")
        uploads.several(2)
        stack.oracle.until_content(uploads.taken)


@pytest.mark.faults
class TestRedisThatIsNoHelp:
    def test_f12_frozen_while_workers_run(
        self, stack: FaultStack, uploads: Uploads
    ) -> None:
        uploads.several(3)
        with stack.frozen("redis"):
            uploads.several(3)
            # As long as the heartbeat of a worker may fail to come.
            time.sleep(15.0)
        uploads.one()
        stack.oracle.until_content(uploads.taken)

    def test_f16_no_memory_left(self, stack: FaultStack, uploads: Uploads) -> None:
        bell = Bell(stack)
        refused = bell.refusals()
        bell.configure(maxmemory_policy="noeviction", maxmemory="1")
        try:
            taken = uploads.several(3)
            read = uploads.client.http.get(f"/media/{taken[0].uuid}/")
        finally:
            bell.configure(maxmemory_policy="volatile-lru", maxmemory="256mb")
        assert read.status_code == 200
        # One for each upload, at least: nobody could be rung for.
        assert bell.refusals() - refused >= len(taken)
        stack.oracle.until_content(uploads.taken)
