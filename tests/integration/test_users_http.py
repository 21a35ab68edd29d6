"""Admin mode over HTTP: everything under /users/."""

from typing import Any
from uuid import uuid4

from backend.domain.rights import MEDIA_OPERATOR
from tests.account_api import AccountApi, fields, refusal
from tests.accounts import PASSWORD

BOB = {"email": "bob@example.org", "password": PASSWORD, "role": "media_operator"}


class TestUserList:
    async def test_pages_have_everybody_once_newest_first(
        self, api: AccountApi
    ) -> None:
        admin = await api.admin()
        emails = [f"u{number}@example.org" for number in range(4)]
        for email in emails:
            await api.accounts.ledger.create_user(email, "!", "viewer")
        seen: list[str] = []
        path = "/users/?limit=2"
        while path:
            page = (await admin.get(path)).json()
            assert (page["total"], page["total_is_exact"]) == (5, True)
            seen += [user["email"] for user in page["items"]]
            path = page["next"] and f"/users/?limit=2&cursor={page['next']}"
        assert seen == [*reversed(emails), "admin@example.org"]

    async def test_filters(self, api: AccountApi) -> None:
        found = {
            "search=ANN": ["ann"],
            "search=%20example.org%20": ["bob", "ann", "admin"],
            "search=": ["bob", "ann", "admin"],
            "search=a%25n": [],
            "search=a_n": [],
            "role=viewer": ["bob", "ann"],
            "role=nobody": [],
            "is_active=false": ["bob"],
            "role=viewer&is_active=true": ["ann"],
        }
        admin = await api.admin()
        await api.person("ann@example.org")
        bob = await api.person("bob@example.org")
        await api.accounts.change(bob.user_id, is_active=False)
        for query, names in found.items():
            page = (await admin.get(f"/users/?{query}")).json()
            emails = [user["email"] for user in page["items"]]
            assert emails == [f"{name}@example.org" for name in names], query
            assert page["total"] == len(names)

    async def test_odd_questions(self, api: AccountApi) -> None:
        admin = await api.admin()
        for query in (
            "limit=0",
            "limit=101",
            "limit=a",
            "cursor=x",
            "search=%00",
            "role=%00",
            "role=A",
            "is_active=maybe",
            "order=email",
            f"search={'a' * 255}",
        ):
            answer = await admin.get(f"/users/?{query}")
            assert refusal(answer) == (422, "invalid"), query
            assert fields(answer) == [query.partition("=")[0]]

    async def test_the_total_stops_at_10000(self, api: AccountApi) -> None:
        admin = await api.admin()
        await api.add_viewers(10_000)
        page = (await admin.get("/users/")).json()
        assert (page["total"], page["total_is_exact"]) == (10_000, False)
        page = (await admin.get("/users/?role=viewer")).json()
        assert (page["total"], page["total_is_exact"]) == (10_000, True)


class TestCreateUser:
    async def test_it_shows_the_user_who_can_sign_in(self, api: AccountApi) -> None:
        admin = await api.admin()
        answer = await admin.post("/users/", BOB | {"email": "Bob@Example.org "})
        user = answer.json()
        assert answer.status_code == 201
        assert answer.headers["location"] == f"/users/{user['uuid']}/"
        assert user == {
            "uuid": user["uuid"],
            "email": "bob@example.org",
            "role": "media_operator",
            "rights": sorted(MEDIA_OPERATOR.rights),
            "is_active": True,
            "created_at": user["created_at"],
        }
        assert (await admin.get(f"/users/{user['uuid']}/")).json() == user
        credentials = {key: BOB[key] for key in ("email", "password")}
        signed_in = await api.http.post("/auth/signin/", json=credentials)
        assert signed_in.status_code == 200

    async def test_refusals_make_nobody(self, api: AccountApi) -> None:
        refusals: list[tuple[dict[str, Any], int, str, list[str]]] = [
            ({"email": "ADMIN@example.org"}, 409, "email_taken", []),
            ({"password": "password"}, 422, "weak_password", ["password"]),
            ({"password": "bob@example.org"}, 422, "weak_password", ["password"]),
            ({"role": "nobody"}, 422, "invalid", ["role"]),
            ({"role": None}, 422, "invalid", ["role"]),
            ({"role": ["viewer"]}, 422, "invalid", ["role"]),
            ({"role": "viewer\x00"}, 422, "invalid", ["role"]),
            ({"role": "viewer\n"}, 422, "invalid", ["role"]),
            ({"email": "nobody"}, 422, "invalid", ["email"]),
            ({"is_active": True}, 422, "invalid", ["is_active"]),
            ({"is_staff": True}, 422, "invalid", ["is_staff"]),
        ]
        admin = await api.admin()
        before = await api.everything()
        for change, status, code, names in refusals:
            answer = await admin.post("/users/", BOB | change)
            assert (*refusal(answer), fields(answer)) == (status, code, names), change
        assert await api.everything() == before

    async def test_a_role_with_a_right_that_one_lacks_is_not_given(
        self, api: AccountApi
    ) -> None:
        manager = await api.manager("user.manage", "media.read", "job.read")
        before = await api.everything()
        answer = await manager.post("/users/", BOB)
        assert refusal(answer) == (403, "right_not_held")
        assert "media.create" in answer.json()["detail"]
        assert await api.everything() == before
        answer = await manager.post("/users/", BOB | {"role": "viewer"})
        assert answer.status_code == 201


class TestChangeUser:
    async def test_a_new_role_acts_on_the_next_request(self, api: AccountApi) -> None:
        admin = await api.admin()
        other = await api.person("other@example.org", "admin")
        assert (await other.get("/users/")).status_code == 200
        answer = await admin.patch(other.path, {"role": "viewer"})
        assert answer.status_code == 200
        assert (answer.json()["role"], answer.json()["rights"]) == (
            "viewer",
            ["job.read", "media.read"],
        )
        assert refusal(await other.get("/users/")) == (403, "right_missing")
        assert await other.is_signed_in()
        await admin.patch(other.path, {"role": "admin"})
        assert (await other.get("/users/")).status_code == 200

    async def test_deactivation_acts_on_the_next_request_and_ends_the_sessions(
        self, api: AccountApi
    ) -> None:
        admin, other = await api.admin(), await api.person("other@example.org")
        answer = await admin.patch(other.path, {"is_active": False})
        assert (answer.status_code, answer.json()["is_active"]) == (200, False)
        assert not await other.is_signed_in()
        assert not await other.can_refresh()
        answer = await admin.patch(other.path, {"is_active": True})
        assert answer.json()["is_active"] is True
        assert not await other.is_signed_in()
        assert await (
            await api.again(other.user_id, "other@example.org")
        ).is_signed_in()

    async def test_what_is_not_sent_stays(self, api: AccountApi) -> None:
        admin, other = await api.admin(), await api.person("other@example.org")
        shown = (await admin.get(other.path)).json()
        before = await api.everything()
        answer = await admin.patch(other.path, {})
        assert (answer.status_code, answer.json()) == (200, shown)
        assert await api.everything() == before

    async def test_odd_changes(self, api: AccountApi) -> None:
        changes: list[tuple[dict[str, Any], str]] = [
            ({"role": None}, "role"),
            ({"role": "nobody"}, "role"),
            ({"role": ["viewer"]}, "role"),
            ({"is_active": None}, "is_active"),
            ({"is_active": "no"}, "is_active"),
            ({"is_active": 0}, "is_active"),
            ({"email": "x@example.org"}, "email"),
            ({"password": PASSWORD}, "password"),
            ({"is_staff": True}, "is_staff"),
        ]
        admin, other = await api.admin(), await api.person("other@example.org")
        before = await api.everything()
        for change, field in changes:
            answer = await admin.patch(other.path, change)
            assert refusal(answer) == (422, "invalid"), change
            assert fields(answer) == [field]
        assert await api.everything() == before

    async def test_whom_nobody_knows(self, api: AccountApi) -> None:
        admin = await api.admin()
        path = f"/users/{uuid4()}/"
        answers = (
            await admin.get(path),
            await admin.patch(path, {"is_active": False}),
            await admin.delete(path),
        )
        assert {refusal(answer) for answer in answers} == {(404, "user_not_found")}
        assert refusal(await admin.get("/users/me/")) == (404, "not_found")

    async def test_who_has_a_right_that_one_lacks_is_left_alone(
        self, api: AccountApi
    ) -> None:
        manager = await api.manager("user.manage", "media.read", "job.read")
        operator = await api.person("op@example.org", "media_operator")
        before = await api.everything()
        answers = [
            await manager.patch(operator.path, {"role": "viewer"}),
            await manager.patch(operator.path, {"is_active": False}),
            await manager.patch(operator.path, {}),
            await manager.delete(operator.path),
        ]
        assert {refusal(answer) for answer in answers} == {(403, "right_not_held")}
        assert await api.everything() == before

    async def test_a_role_with_a_right_that_one_lacks_is_not_given(
        self, api: AccountApi
    ) -> None:
        manager = await api.manager("user.manage", "media.read", "job.read")
        viewer = await api.person("viewer@example.org")
        before = await api.everything()
        for person in (viewer, manager):
            answer = await manager.patch(person.path, {"role": "admin"})
            assert refusal(answer) == (403, "right_not_held")
        assert await api.everything() == before


class TestLastAdmin:
    async def test_he_stays_what_he_is(self, api: AccountApi) -> None:
        admin = await api.admin()
        inactive = await api.person("inactive@example.org", "admin")
        await api.accounts.change(inactive.user_id, is_active=False)
        before = await api.everything()
        answers = [
            await admin.patch(admin.path, {"role": "viewer"}),
            await admin.patch(admin.path, {"is_active": False}),
            await admin.delete(admin.path),
        ]
        assert {refusal(answer) for answer in answers} == {(409, "last_admin")}
        assert await api.everything() == before

    async def test_a_role_of_ones_own_counts(self, api: AccountApi) -> None:
        admin = await api.admin()
        manager = await api.manager("user.manage")
        answer = await admin.patch(admin.path, {"role": "media_operator"})
        assert answer.status_code == 200
        refused = await manager.patch(manager.path, {"is_active": False})
        assert refusal(refused) == (409, "last_admin")

    async def test_he_may_go_when_there_is_another(self, api: AccountApi) -> None:
        admin = await api.admin()
        await api.person("other@example.org", "admin")
        assert (await admin.delete(admin.path)).status_code == 204
        assert not await admin.is_signed_in()


class TestRights:
    async def test_others_may_not_even_look(self, api: AccountApi) -> None:
        for role in ("viewer", "media_operator"):
            person = await api.person("ann@example.org", role)
            before = await api.everything()
            answers = [
                await person.get("/users/"),
                await person.post("/users/", BOB),
                await person.get(person.path),
                await person.patch(person.path, {"role": "admin"}),
                await person.delete(person.path),
            ]
            assert {refusal(answer) for answer in answers} == {(403, "right_missing")}
            assert await api.everything() == before
