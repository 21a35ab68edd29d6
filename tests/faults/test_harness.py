"""The stack is well behind its proxies, and the oracle is content with it."""

from tests.e2e.client import Client
from tests.e2e.videos import Videos
from tests.faults.harness import FaultStack
from tests.faults.oracle import Taken


class TestFaultStack:
    def test_without_a_fault_an_upload_becomes_ready(
        self, stack: FaultStack, operator: Client, videos: Videos
    ) -> None:
        video = videos.new()
        taken = Taken.of(operator.upload(video), video)
        stack.oracle.until_content([taken], 20.0)
        assert operator.media(taken.uuid)["status"] == "ready"
