import hashlib
import os
from pathlib import Path

import pytest

from backend.adapters.s3_part_plan import MEBIBYTE, PartPlan
from backend.adapters.source_file import SourceFile
from backend.adapters.stoppable_threads import Stop, TransferStopped

GIBIBYTE = 1024 * MEBIBYTE


class TestPartPlan:
    @pytest.mark.parametrize(
        "size",
        [
            16 * MEBIBYTE + 1,
            GIBIBYTE,
            50 * GIBIBYTE,
            140 * GIBIBYTE + 7,
            141 * GIBIBYTE,
            5 * 1024 * GIBIBYTE,
        ],
    )
    def test_parts_cover_the_file_within_the_limits_of_s3(self, size: int) -> None:
        parts = list(PartPlan(size))
        assert sum(part.length for part in parts) == size
        assert [part.start for part in parts[1:]] == [
            part.start + part.length for part in parts[:-1]
        ]
        assert [part.number for part in parts] == list(range(1, len(parts) + 1))
        assert len(parts) <= 10_000
        assert all(part.length >= 5 * MEBIBYTE for part in parts[:-1])
        assert max(part.length for part in parts) <= 5 * GIBIBYTE

    def test_up_to_sixteen_mebibytes_go_in_one_request(self) -> None:
        assert PartPlan(16 * MEBIBYTE).fits_one_request
        assert not PartPlan(16 * MEBIBYTE + 1).fits_one_request


class TestSourceFile:
    def test_a_window_is_one_part_and_counts_a_retry_once(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_bytes(bytes(range(100)))
        moved: list[int] = []
        descriptor = os.open(path, os.O_RDONLY)
        source = SourceFile(descriptor, Stop())
        os.close(descriptor)
        with source.window(10, 20, moved.append) as window:
            assert len(window) == 20
            assert window.read(5) == bytes(range(10, 15))
            window.seek(0)
            assert window.read() == bytes(range(10, 30))
            assert window.read(5) == b""
        assert sum(moved) == 20
        source.close()

    def test_a_part_and_the_whole_are_hashed_in_one_reading(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"a" * 10 + b"b" * 10)
        whole = hashlib.sha256()
        with path.open("rb") as file:
            source = SourceFile(file.fileno(), Stop())
            parts = [source.hash(start, 10, whole) for start in (0, 10)]
            source.close()
        assert parts[1] == hashlib.sha256(b"b" * 10).digest()
        assert whole.digest() == hashlib.sha256(path.read_bytes()).digest()

    def test_nothing_is_read_after_a_stop(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"abc")
        stop = Stop()
        with path.open("rb") as file:
            source = SourceFile(file.fileno(), stop)
        with source.window(0, 3, lambda count: None) as window:
            stop.ask()
            with pytest.raises(TransferStopped):
                window.read(1)
            with pytest.raises(TransferStopped):
                source.hash(0, 3, hashlib.sha256())
        source.close()
