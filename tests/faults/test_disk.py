"""The disk of the staging folder gives back other bytes than it was given."""

from pathlib import Path

import pytest

from tests.e2e.client import Client
from tests.e2e.faults import until
from tests.e2e.videos import MEBIBYTE, Videos
from tests.faults.harness import FaultStack
from tests.faults.oracle import Taken
from tests.faults.uploads import Uploads

pytestmark = pytest.mark.faults

# More than one request to the object store.
IN_PARTS = 17 * MEBIBYTE


class Disk:
    """The staging folder of a stack after a power cut."""

    def __init__(self, stack: FaultStack) -> None:
        self._stack = stack

    def zero(self, taken: Taken) -> None:
        file = self._staged(taken)
        size = file.stat().st_size
        file.write_bytes(bytes(size))

    def _staged(self, taken: Taken) -> Path:
        (row,) = self._stack.stores.rows(
            "SELECT staged_name FROM blob JOIN media ON video_id = blob.uuid "
            "WHERE media.uuid = %s",
            taken.uuid,
        )
        return self._stack.embedded.data.staging / str(row["staged_name"])


class TestDamagedStagedFile:
    @pytest.mark.parametrize("size_bytes", [0, IN_PARTS], ids=["small", "in parts"])
    def test_the_same_file_again_heals_it(
        self,
        stack: FaultStack,
        operator: Client,
        uploads: Uploads,
        videos: Videos,
        size_bytes: int,
    ) -> None:
        video = videos.new(size_bytes)
        with stack.stopped("worker"):
            taken = uploads.send(video)
            Disk(stack).zero(taken)
        failed = lambda: operator.media(taken.uuid)["status"] == "failed"  # noqa: E731
        until(failed, 30.0, "its bytes are lost")
        assert operator.media(taken.uuid)["failure"]["code"] == "staged_file_missing"

        again = operator.upload(video)
        body = again.json()
        assert (again.status_code, body["uuid"]) == (200, taken.uuid)
        assert body["healed"] is True
        stack.oracle.until_content(uploads.taken)
