from uuid import uuid4

import pytest

from backend.domain.accounts import AccessClaims
from backend.domain.media import Caller
from backend.domain.rights import Right
from backend.use_cases.caller_record import CallerRecord

CLAIMS = AccessClaims(uuid4(), uuid4())


class TestCallerRecord:
    def test_what_is_written_is_read(self) -> None:
        rights = frozenset({Right.MEDIA_READ, Right.USER_MANAGE})
        caller = Caller(CLAIMS.user_id, CLAIMS.session_id, "\u00e4@b.c", "some", rights)
        assert CallerRecord.read(CallerRecord.write(caller), CLAIMS) == caller

    @pytest.mark.parametrize(
        "record",
        [
            *(b"", b"\xff", b"{}", b"null", b"[]", b'["a@b.c", "viewer"]'),
            *(b'["a@b.c", "viewer", ["media.everything"]]', b'[1, "viewer", []]'),
            b'["a@b.c", "viewer", [["media.read"]]]',
        ],
    )
    def test_anything_else_is_refused(self, record: bytes) -> None:
        with pytest.raises(ValueError, match=r"."):
            CallerRecord.read(record, CLAIMS)
