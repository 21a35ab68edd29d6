import asyncio

import pytest
from django.contrib.auth.hashers import check_password

from backend.adapters.password_hasher import ThreadedPasswordHasher
from backend.domain.errors import Overloaded
from tests.passwords import CountingArgon2

PASSWORD = "correct horse battery"
EMAIL = "ann.smith@example.org"


class TestThreadedPasswordHasher:
    async def test_a_hash_is_argon2id_at_the_owasp_profile(
        self, password_hasher: ThreadedPasswordHasher
    ) -> None:
        encoded = await password_hasher.hash(PASSWORD)
        assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
        assert check_password(PASSWORD, encoded)  # So does Django's admin.

    async def test_it_knows_the_password_again(
        self, password_hasher: ThreadedPasswordHasher
    ) -> None:
        encoded = await password_hasher.hash(PASSWORD)
        assert await password_hasher.verify(PASSWORD, encoded)
        assert not await password_hasher.verify(PASSWORD + "!", encoded)
        assert not await password_hasher.verify(PASSWORD, None)
        assert not await password_hasher.verify(PASSWORD, "!unusable")
        assert await password_hasher.hash(PASSWORD) != encoded

    async def test_a_missing_account_costs_the_same_work(
        self, argon2: type[CountingArgon2]
    ) -> None:
        hasher = ThreadedPasswordHasher()
        encoded = await hasher.hash(PASSWORD)
        argon2.work.clear()
        argon2.threads.clear()
        await hasher.verify(PASSWORD, encoded)
        await hasher.verify("another password", encoded)
        await hasher.verify(PASSWORD, None)
        hasher.close()
        assert argon2.work == ["verify"] * 3
        assert {name.partition("_")[0] for name in argon2.threads} == {"passwords"}

    async def test_it_refuses_when_too_many_wait_and_recovers(
        self, argon2: type[CountingArgon2]
    ) -> None:
        hasher = ThreadedPasswordHasher(threads=2, waiting=3)
        argon2.door.clear()
        accepted = [asyncio.create_task(hasher.hash(PASSWORD)) for _ in range(5)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await hasher.hash(PASSWORD)
        argon2.door.set()
        assert len(await asyncio.gather(*accepted)) == 5
        assert await hasher.verify(PASSWORD, accepted[0].result())
        hasher.close()

    async def test_a_client_that_leaves_gives_no_place_free_before_its_work_ends(
        self, argon2: type[CountingArgon2]
    ) -> None:
        hasher = ThreadedPasswordHasher(threads=1, waiting=1)
        argon2.door.clear()
        started, waiting = (
            asyncio.create_task(hasher.hash(PASSWORD)) for _ in range(2)
        )
        await asyncio.sleep(0)
        started.cancel()
        waiting.cancel()
        await asyncio.gather(started, waiting, return_exceptions=True)
        next_one = asyncio.create_task(hasher.hash(PASSWORD))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await hasher.hash(PASSWORD)
        argon2.door.set()
        assert await next_one
        hasher.close()

    @pytest.mark.parametrize(
        ("password", "reason"),
        [
            ("seven77", "too short"),
            ("Sunshine1", "too common"),
            ("74920174920", "entirely numeric"),
            (EMAIL, "similar to the email"),
            ("ann.smith1", "similar to the email"),
            ("example.org", "similar to the email"),
            (" " * 8, "different characters"),
            ("\u200b" * 10, "different characters"),
            ("ababababab", "different characters"),
        ],
    )
    def test_a_weak_password_is_told_why(
        self, password_hasher: ThreadedPasswordHasher, password: str, reason: str
    ) -> None:
        assert reason in (password_hasher.weakness(password, EMAIL) or "")

    @pytest.mark.parametrize(
        "password",
        [
            PASSWORD,
            "x7#kQp2m",
            "пароль из слов",
            "\U0001f600\U0001f601\U0001f602\U0001f603" * 2,
        ],
    )
    def test_a_strong_password_passes(
        self, password_hasher: ThreadedPasswordHasher, password: str
    ) -> None:
        assert password_hasher.weakness(password, EMAIL) is None
