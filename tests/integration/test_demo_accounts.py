# ruff: noqa: ASYNC240 - small files, and nothing else runs on the loop
import json
from pathlib import Path

import pytest

from backend.config.demo_accounts import (
    DemoAccounts,
    DemoAccountsFile,
    DemoAccountsUnreadable,
)
from tests.accounts import HERE, PASSWORD, Accounts


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".data" / "demo-accounts.json"


@pytest.fixture
def demo_accounts(path: Path, accounts: Accounts) -> DemoAccounts:
    return DemoAccounts(DemoAccountsFile(path), accounts.ensure)


class TestDemoAccounts:
    async def test_each_role_has_one_that_can_sign_in(
        self, demo_accounts: DemoAccounts, path: Path, accounts: Accounts
    ) -> None:
        await demo_accounts.prepare()
        written = json.loads(path.read_text())
        assert set(written) == {"admin", "media_operator", "viewer"}
        assert written["admin"]["email"] == "admin@demo.example"
        assert len({account["password"] for account in written.values()}) == 3
        for role, account in written.items():
            assert set(account) == {"email", "password"}
            tokens = await accounts.sign_in.execute(**account, client=HERE)
            assert (await accounts.known_caller(tokens)).role == role

    async def test_only_the_owner_may_read_the_file(
        self, demo_accounts: DemoAccounts, path: Path
    ) -> None:
        await demo_accounts.prepare()
        path.chmod(0o644)
        await demo_accounts.prepare()
        assert path.stat().st_mode & 0o777 == 0o600
        assert [entry.name for entry in path.parent.iterdir()] == [path.name]

    async def test_a_second_run_keeps_passwords_and_sessions(
        self, demo_accounts: DemoAccounts, path: Path, accounts: Accounts
    ) -> None:
        first = await demo_accounts.prepare()
        before = path.read_text()
        viewer = first["viewer"]
        tokens = await accounts.sign_in.execute(viewer.email, viewer.password, HERE)
        assert await demo_accounts.prepare() == first
        assert path.read_text() == before
        assert await accounts.caller(tokens) is not None

    async def test_what_somebody_changed_is_as_in_the_file_again(
        self, demo_accounts: DemoAccounts, accounts: Accounts
    ) -> None:
        admin = (await demo_accounts.prepare())["admin"]
        changed = await accounts.ensure.execute(admin.email, PASSWORD, "viewer")
        await accounts.change(changed.user_id, is_active=False)
        await demo_accounts.prepare()
        tokens = await accounts.sign_in.execute(admin.email, admin.password, HERE)
        assert (await accounts.known_caller(tokens)).role == "admin"

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", "{}", '{"admin": 1}', '{"admin": {"email": "a@b.org"}}']
    )
    async def test_a_file_that_is_something_else_is_left_alone(
        self, demo_accounts: DemoAccounts, path: Path, text: str
    ) -> None:
        path.parent.mkdir()
        path.write_text(text)
        with pytest.raises(DemoAccountsUnreadable, match="remove it"):
            await demo_accounts.prepare()
        assert path.read_text() == text

    async def test_no_password_is_in_a_repr(self, demo_accounts: DemoAccounts) -> None:
        accounts = await demo_accounts.prepare()
        assert accounts["admin"].password not in repr(accounts)
