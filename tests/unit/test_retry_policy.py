from datetime import timedelta

from backend.domain.failures import FAILURES, FailureCode
from backend.domain.jobs import RetryPolicy


class TestDelay:
    def test_doubles_up_to_a_limit_with_jitter(self) -> None:
        policy = RetryPolicy()
        away = FAILURES[FailureCode.OBJECT_STORE_AWAY]
        for tries, most in ((1, 1), (2, 2), (4, 8), (9, 15), (10_000, 15)):
            longest = timedelta(seconds=most)
            assert longest / 2 <= policy.delay(away, tries, 0) <= longest

    def test_the_first_lost_lease_has_cost_enough_time(self) -> None:
        lost = FAILURES[FailureCode.LEASE_LOST]
        assert RetryPolicy().delay(lost, tries=3, failed_attempts=1) == timedelta()

    def test_jobs_that_lost_a_worker_twice_do_not_come_back_together(self) -> None:
        lost = FAILURES[FailureCode.LEASE_LOST]
        delays = {RetryPolicy().delay(lost, 2, 2) for _ in range(8)}
        assert len(delays) == 8
        assert min(delays) >= timedelta(seconds=1)


class TestGivingUp:
    def test_a_file_that_breaks_a_parser_gets_one_attempt_more(self) -> None:
        crashed = FAILURES[FailureCode.EXTRACTOR_CRASHED]
        assert not RetryPolicy().gives_up(crashed, 1)
        assert RetryPolicy().gives_up(crashed, 2)

    def test_a_store_that_is_away_never_uses_the_attempts_up(self) -> None:
        away = FAILURES[FailureCode.OBJECT_STORE_AWAY]
        assert not RetryPolicy().gives_up(away, 1_000)

    def test_a_lost_worker_uses_one_attempt_up(self) -> None:
        lost = FAILURES[FailureCode.LEASE_LOST]
        assert not RetryPolicy().gives_up(lost, 4)
        assert RetryPolicy().gives_up(lost, 5)
        assert lost.last_code == FailureCode.CRASH_LOOP
