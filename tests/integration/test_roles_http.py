"""Admin mode over HTTP: everything under /roles/."""

from typing import Any

from backend.domain.rights import BUILT_IN_ROLES
from tests.account_api import AccountApi, fields, refusal

EDITOR = {"name": "editor", "rights": ["media.read", "media.update_any"]}


class TestRoles:
    async def test_the_list_has_the_rights_of_every_role(self, api: AccountApi) -> None:
        admin = await api.admin()
        await api.role("a_role", ["media.read"])
        answer = await admin.get("/roles/")
        built_in = [
            {"name": role.name, "built_in": True, "rights": sorted(role.rights)}
            for role in BUILT_IN_ROLES
        ]
        own = {"name": "a_role", "built_in": False, "rights": ["media.read"]}
        assert answer.json() == {"items": [*built_in, own]}

    async def test_one_is_added_changed_given_and_deleted(
        self, api: AccountApi
    ) -> None:
        admin, ann = await api.admin(), await api.person("ann@example.org")
        twice = ["media.update_any", "media.read", "media.read"]
        made = await admin.post("/roles/", EDITOR | {"rights": twice})
        assert (made.status_code, made.json()) == (201, EDITOR | {"built_in": False})
        path = made.headers["location"]
        assert path == "/roles/editor/"
        assert (await admin.get(path)).json() == made.json()

        await admin.patch(ann.path, {"role": "editor"})
        assert refusal(await admin.delete(path)) == (409, "role_in_use")
        changed = await admin.patch(path, {"rights": ["role.manage"]})
        assert changed.json()["rights"] == ["role.manage"]
        assert (await ann.get("/roles/")).status_code == 200
        await admin.patch(path, {"rights": []})
        assert refusal(await ann.get("/roles/")) == (403, "right_missing")

        await admin.patch(ann.path, {"role": "viewer"})
        assert (await admin.delete(path)).status_code == 204
        assert refusal(await admin.get(path)) == (404, "role_not_found")

    async def test_refusals_change_nothing(self, api: AccountApi) -> None:
        bad: list[tuple[dict[str, Any], int, str, list[str]]] = [
            ({"name": "viewer"}, 409, "role_name_taken", []),
            ({"name": "own"}, 409, "role_name_taken", []),
            ({"name": ""}, 422, "invalid", ["name"]),
            ({"name": "Editor"}, 422, "invalid", ["name"]),
            ({"name": "1st"}, 422, "invalid", ["name"]),
            ({"name": "editor\n"}, 422, "invalid", ["name"]),
            ({"name": "editor\x00"}, 422, "invalid", ["name"]),
            ({"name": "e" * 51}, 422, "invalid", ["name"]),
            ({"name": None}, 422, "invalid", ["name"]),
            ({"rights": ["moon.reach"]}, 422, "invalid", ["rights.0"]),
            ({"rights": "media.read"}, 422, "invalid", ["rights"]),
            ({"rights": None}, 422, "invalid", ["rights"]),
            ({"rights": ["media.read"] * 1_000}, 422, "invalid", ["rights"]),
            ({"built_in": True}, 422, "invalid", ["built_in"]),
        ]
        admin = await api.admin()
        await api.role("own", [])
        before = await api.everything()
        for change, status, code, names in bad:
            answer = await admin.post("/roles/", EDITOR | change)
            assert (*refusal(answer), fields(answer)) == (status, code, names), change
        for body in ({}, {"rights": None}, {"rights": ["x"]}, {"name": "other"}):
            answer = await admin.patch("/roles/own/", body)
            assert refusal(answer) == (422, "invalid"), body
        assert await api.everything() == before

    async def test_built_in_roles_stay_as_they_are(self, api: AccountApi) -> None:
        admin = await api.admin()
        before = await api.everything()
        for role in BUILT_IN_ROLES:
            path = f"/roles/{role.name}/"
            answers = [
                await admin.patch(path, {"rights": sorted(role.rights)}),
                await admin.delete(path),
            ]
            assert {refusal(answer) for answer in answers} == {(409, "role_built_in")}
        assert await api.everything() == before

    async def test_names_that_nobody_has(self, api: AccountApi) -> None:
        admin = await api.admin()
        body = {"rights": ["media.read"]}
        answers = [
            await admin.get("/roles/nobody/"),
            await admin.patch("/roles/nobody/", body),
            await admin.delete("/roles/nobody/"),
        ]
        assert {refusal(answer) for answer in answers} == {(404, "role_not_found")}
        for odd in ("%00", "Viewer", "viewer%0A", "a" * 51, "%F0%9F%8E%AC", "a%20b"):
            assert refusal(await admin.get(f"/roles/{odd}/")) == (404, "not_found")


class TestRightsOfRoles:
    async def test_a_right_that_one_lacks_is_neither_given_nor_taken(
        self, api: AccountApi
    ) -> None:
        manager = await api.manager("role.manage", "media.read")
        await api.role("strong", ["media.read", "media.delete_any"])
        await api.role("weak", ["media.read"])
        before = await api.everything()
        answers = [
            await manager.post("/roles/", EDITOR),
            await manager.patch("/roles/weak/", {"rights": ["media.create"]}),
            await manager.patch("/roles/manager/", {"rights": ["user.manage"]}),
            await manager.patch("/roles/strong/", {"rights": ["media.read"]}),
            await manager.delete("/roles/strong/"),
        ]
        assert {refusal(answer) for answer in answers} == {(403, "right_not_held")}
        assert await api.everything() == before
        weaker = await manager.patch("/roles/weak/", {"rights": []})
        assert weaker.status_code == 200

    async def test_the_last_who_manage_users_keep_the_right(
        self, api: AccountApi
    ) -> None:
        both = ["role.manage", "user.manage"]
        manager = await api.manager(*both)
        path = "/roles/manager/"
        before = await api.everything()
        refused = await manager.patch(path, {"rights": ["role.manage"]})
        assert refusal(refused) == (409, "last_admin")
        assert refusal(await manager.delete(path)) == (409, "role_in_use")
        assert await api.everything() == before
        await api.admin()
        changed = await manager.patch(path, {"rights": ["role.manage"]})
        assert changed.status_code == 200
        assert refusal(await manager.get("/users/")) == (403, "right_missing")

    async def test_where_nobody_manages_users_roles_can_still_be_changed(
        self, api: AccountApi
    ) -> None:
        manager = await api.manager("role.manage", "media.read")
        answer = await manager.post("/roles/", {"name": "own", "rights": []})
        assert answer.status_code == 201

    async def test_others_may_not_even_look(self, api: AccountApi) -> None:
        for role in ("viewer", "media_operator"):
            person = await api.person("ann@example.org", role)
            before = await api.everything()
            answers = [
                await person.get("/roles/"),
                await person.post("/roles/", EDITOR),
                await person.get("/roles/viewer/"),
                await person.patch("/roles/viewer/", {"rights": []}),
                await person.delete("/roles/viewer/"),
            ]
            assert {refusal(answer) for answer in answers} == {(403, "right_missing")}
            assert await api.everything() == before
