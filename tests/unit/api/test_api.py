import re
from typing import Any

import pytest
from django.urls import Resolver404, URLResolver
from django.urls.resolvers import RegexPattern

from backend.api.api import Api
from backend.api.controller import Controller
from backend.api.http.body_reader import BodyReader
from backend.api.http.errors import ErrorTranslator, Problems
from backend.api.http.handler import ApiRequest, LeanHandler
from backend.api.http.routes import PUBLIC, SIGNED_IN, Route
from backend.api.system_controller import SystemController
from backend.config.api_container import ApiContainer
from backend.config.environment import Environment
from backend.domain.rights import Right
from tests.unit.api.probe_controller import ProbeController

SAMPLES = {
    "any_uuid": "0b8a4a64-3c4c-4c0e-9d4e-4b5d1f0c1a2b",
    "int": "7",
    "": "0b8a4a64-3c4c-4c0e-9d4e-4b5d1f0c1a2b",
}


class OtherMethods(Controller):
    """Serves other methods of a path that the probe serves too."""

    tag = "other"

    def __init__(self) -> None:
        super().__init__()
        self.add("/probe/items/{item}/", "DELETE", self.remove, access=PUBLIC)
        self.add("/probe/{word}/", "GET", self.any_word, access=PUBLIC)

    async def remove(self, request: ApiRequest, item: str) -> Any:
        return None

    async def any_word(self, request: ApiRequest, word: str) -> Any:
        return None


class AnyPath(Controller):
    tag = "any"

    def __init__(self) -> None:
        super().__init__()
        self.add("/{word}/", "GET", self.word, access=PUBLIC)

    async def word(self, request: ApiRequest, word: str) -> Any:
        return None


class Apis:
    @staticmethod
    def probe() -> Api:
        controllers = [OtherMethods(), SystemController("0"), ProbeController()]
        return Api(controllers, Problems(ErrorTranslator()), "0", docs=True)

    @staticmethod
    def real() -> Api:
        return ApiContainer(Environment.load()).api

    @staticmethod
    def path(template: str) -> str:
        return re.sub(r"{(?:(\w+):)?\w+}", lambda m: SAMPLES[m[1] or ""], template)

    @staticmethod
    def route(api: Api, path: str) -> Route | None:
        return api.routes.of({"path": path})


@pytest.fixture(params=[Apis.probe, Apis.real], ids=["probe", "real"])
def api(request: pytest.FixtureRequest) -> Api:
    made: Api = request.param()
    return made


class TestRoutes:
    def test_they_agree_with_djangos_resolver(self, api: Api) -> None:
        resolver = URLResolver(RegexPattern(r"^/"), tuple(api.urlpatterns))
        for endpoint in api.endpoints:
            path = Apis.path(endpoint.path)
            match, route = resolver.resolve(path), Apis.route(api, path)
            assert route is not None
            assert route.view is match.func
            assert route.parameters == match.kwargs

    def test_every_operation_of_ninja_has_its_access(self, api: Api) -> None:
        declared = {e.view: e.access for e in api.endpoints}
        operations = 0
        for bound in api.ninja._get_bound_routers():
            for path, view in bound.path_operations.items():
                route = Apis.route(api, Apis.path(path))
                for operation in view.operations:
                    operations += 1
                    accesses = {route.accesses[m] for m in operation.methods}
                    assert accesses == {declared[operation.view_func]}
        assert operations == len(api.endpoints)

    @pytest.mark.parametrize(
        "path", ["", "/", "/ping", "/ping/\n", "/probe/typed/x/", "//ping/", "ping/"]
    )
    def test_what_django_does_not_know_is_unknown(self, path: str) -> None:
        api = Apis.probe()
        resolver = URLResolver(RegexPattern(r"^/"), tuple(api.urlpatterns))
        assert Apis.route(api, path) is None
        with pytest.raises(Resolver404):
            resolver.resolve(path)

    def test_two_controllers_may_share_a_path(self) -> None:
        route = Apis.route(Apis.probe(), Apis.path("/probe/items/{item}/"))
        assert route is not None
        assert route.accesses == {
            "GET": SIGNED_IN,
            "HEAD": SIGNED_IN,
            "DELETE": PUBLIC,
        }

    def test_a_name_that_is_there_twice_is_refused(self) -> None:
        controllers = [SystemController("0"), SystemController("0")]
        with pytest.raises(ValueError, match="system_ping"):
            Api(controllers, Problems(ErrorTranslator()), "0", docs=False)

    def test_a_path_that_begins_with_a_parameter_is_refused(self) -> None:
        with pytest.raises(ValueError, match="parameter"):
            Api([AnyPath()], Problems(ErrorTranslator()), "0", docs=False)


class TestWithoutTheMiddleware:
    @pytest.mark.parametrize(
        "path", ["/probe/me/", f"/probe/items/{SAMPLES['any_uuid']}/", "/ping/"]
    )
    async def test_only_public_operations_answer(self, path: str) -> None:
        api = Apis.probe()
        problems = Problems(ErrorTranslator())
        handler = LeanHandler(api.routes, BodyReader(1, 1), problems)
        statuses: list[int] = []

        async def send(message: Any) -> None:
            statuses.append(message.get("status", 0))

        async def receive() -> Any:
            raise AssertionError("a GET has no body")

        await handler(self._scope(path), receive, send)
        assert statuses[0] == (200 if path == "/ping/" else 401)

    @staticmethod
    def _scope(path: str) -> dict[str, Any]:
        return {"type": "http", "method": "GET", "path": path, "headers": []}


class TestDocument:
    def test_operations_say_who_may_call_them(self) -> None:
        paths = Apis.probe().document.content["paths"]
        assert paths["/probe/me/"]["get"]["security"] == [{"bearer": []}]
        assert "security" not in paths["/probe/echo/"]["post"]

    def test_refusals_are_documented(self) -> None:
        document = Apis.probe().document.content
        create = document["paths"]["/probe/create/"]["post"]["responses"]
        assert set(create) == {
            "200",
            "400",
            "401",
            "403",
            "408",
            "413",
            "415",
            "422",
            "503",
        }
        problem = create["403"]["content"]["application/problem+json"]
        whole, codes = problem["schema"]["allOf"]
        assert whole == {"$ref": "#/components/schemas/ProblemOut"}
        assert codes["properties"]["code"] == {"enum": ["right_missing"]}
        example = problem["examples"]["right_missing"]["value"]
        assert (
            example["detail"]
            == "This needs media.create, which your role does not give."
        )
        assert example["instance"] == "/probe/create/"
        item = document["paths"]["/probe/items/{item}/"]["get"]["responses"]
        assert set(item) == {"200", "400", "401", "404", "422", "503"}

    def test_every_reference_leads_somewhere(self, api: Api) -> None:
        text = api.document.rendered.decode()
        schemas = api.document.content["components"]["schemas"]
        assert set(re.findall(r"#/components/schemas/(\w+)", text)) <= set(schemas)

    def test_docs_do_not_document_themselves(self, api: Api) -> None:
        assert "/docs" not in api.document.content["paths"]

    def test_rights_are_known_words(self, api: Api) -> None:
        rights = {right for e in api.endpoints for right in e.access.rights}
        assert rights <= set(Right)
