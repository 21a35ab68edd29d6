"""What every `Staging` does."""

import asyncio
import hashlib
from dataclasses import replace
from uuid import uuid4

import pytest

from backend.domain.errors import StagingAway, StorageFull
from backend.domain.media import StagedFile
from backend.use_cases.ports import Staging


class StagingContract:
    """Subclasses give the fixture `staging`: empty, with room for a few MiB."""

    async def test_bytes_come_back_with_size_and_hash(self, staging: Staging) -> None:
        incoming = await staging.receive()
        await incoming.write(b"first ")
        await incoming.write(bytearray(b"second "))
        await incoming.write(memoryview(b"third"))
        received = incoming.received()
        sealed = await incoming.seal()
        await incoming.keep()
        content = b"first second third"
        assert received == replace(sealed, sealed=False)
        assert sealed == StagedFile(
            incoming.name, len(content), hashlib.sha256(content).hexdigest()
        )
        assert await self._content(staging, sealed) == content

    async def test_writes_that_overlap_keep_their_order(self, staging: Staging) -> None:
        batches = [bytes([number]) * 5_000 for number in range(100)]
        files = [await staging.receive() for _ in range(6)]
        writes = [file.write(batch) for batch in batches for file in files]
        await asyncio.gather(*writes)
        for file in files:
            sealed = await file.seal()
            await file.keep()
            assert sealed.sha256 == hashlib.sha256(b"".join(batches)).hexdigest()
            assert await self._content(staging, sealed) == b"".join(batches)

    async def test_every_file_has_a_name_of_its_own(self, staging: Staging) -> None:
        files = [await staging.receive() for _ in range(5)]
        assert len({file.name for file in files}) == 5
        for file in files:
            await file.discard()

    async def test_a_discarded_file_is_gone(self, staging: Staging) -> None:
        incoming = await staging.receive()
        await incoming.write(b"bytes")
        assert staging.holds(incoming.name, 5)
        await incoming.discard()
        assert not staging.holds(incoming.name, 5)
        assert await staging.open(incoming.name) is None

    async def test_one_of_another_size_is_not_held(self, staging: Staging) -> None:
        """What was cut off, or grew, is not what was received."""
        incoming = await staging.receive()
        await incoming.write(b"bytes")
        await incoming.seal()
        await incoming.keep()
        assert staging.holds(incoming.name, 5)
        assert not staging.holds(incoming.name, 4)
        assert not staging.holds(incoming.name, 6)

    async def test_the_first_end_counts(self, staging: Staging) -> None:
        kept, discarded = await staging.receive(), await staging.receive()
        await kept.keep()
        await kept.discard()
        await kept.keep()
        await discarded.discard()
        await discarded.discard()
        await discarded.keep()
        assert staging.holds(kept.name, 0)
        assert not staging.holds(discarded.name, 0)

    async def test_what_is_being_received_is_not_removed(
        self, staging: Staging
    ) -> None:
        incoming = await staging.receive()
        with pytest.raises(StagingAway):
            await staging.remove(incoming.name)
        assert staging.holds(incoming.name, 0)
        await incoming.keep()
        await staging.remove(incoming.name)
        assert not staging.holds(incoming.name, 0)

    async def test_what_is_not_there_is_removed_in_silence(
        self, staging: Staging
    ) -> None:
        await staging.remove(uuid4())
        assert await staging.open(uuid4()) is None
        assert not staging.holds(uuid4(), 0)

    async def test_room_is_checked_ahead(self, staging: Staging) -> None:
        await staging.check_room(0)
        with pytest.raises(StorageFull):
            await staging.check_room(1 << 60)

    @staticmethod
    async def _content(staging: Staging, file: StagedFile) -> bytes:
        opened = await staging.open(file.name)
        assert opened is not None
        with opened:
            return opened.read()
