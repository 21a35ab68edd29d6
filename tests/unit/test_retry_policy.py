from datetime import timedelta

from backend.domain.failures import FAILURES, FailureCode
from backend.domain.jobs import RetryPolicy


class TestDelay:
    def test_doubles_up_to_a_limit_with_jitter(self) -> None:
        policy = RetryPolicy()
        away = FAILURES[FailureCode.OBJECT_STORE_AWAY]
        for tries, most in ((1, 1), (2, 2), (4, 8), (9, 15), (10_000, 15)):
            longest = timedelta(seconds=most)
            assert longest / 2 <= policy.delay(away, tries) <= longest

    def test_a_lost_lease_has_cost_enough_time(self) -> None:
        lost = FAILURES[FailureCode.LEASE_LOST]
        assert RetryPolicy().delay(lost, 3) == timedelta()
