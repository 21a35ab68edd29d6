"""What schemathesis is told about this API; it loads this module by its name."""

import json
import os
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

import httpx
import schemathesis
from schemathesis import AuthContext, Case, CheckContext, HookContext, Response
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import EnsureResourceAvailability

from backend.api.http.catalogue import ErrorCatalogue
from backend.api.http.errors import PROBLEM_TYPE
from backend.api.schemas.upload import MINIATURE_FIELD, VIDEO_FIELD
from tests.fuzz.files import FileStrategies
from tests.fuzz.refused import RefusedRequests

VIDEO_TYPE, PICTURE_TYPE = "video/mp4", "image/jpeg"


class AdminSession:
    """The session of the fuzzing admin, opened again when the fuzzing has ended it.

    It comes from an address of its own, so that the attempts to sign in that are made
    up do not lock it out.
    """

    def __init__(self, base_url: str, account: dict[str, str]) -> None:
        transport = httpx.HTTPTransport(local_address="127.0.0.2")
        self._http = httpx.Client(base_url=base_url, transport=transport)
        self._account = account
        self._lock = Lock()
        self._access: str | None = None
        self.refresh = ""
        self.user_id = ""

    def access(self) -> str:
        with self._lock:
            if self._access is None:
                self._access = self._signed_in()
            return self._access

    def forget(self, access: str) -> None:
        """It does not work any more."""
        with self._lock:
            if access == self._access:
                self._access = None

    def _signed_in(self) -> str:
        answer = self._http.post("/auth/signin/", json=self._account).raise_for_status()
        access: str = answer.json()["access"]
        self.refresh = answer.json()["refresh"]
        headers = {"Authorization": f"Bearer {access}"}
        self.user_id = self._http.get("/auth/me/", headers=headers).json()["uuid"]
        return access


_accounts = json.loads(Path(os.environ["FUZZ_ACCOUNTS"]).read_text())
_session = AdminSession(os.environ["FUZZ_URL"], _accounts["admin"])
_refused = RefusedRequests(Path(os.environ["FUZZ_REFUSED"]))
_codes = set(ErrorCatalogue().codes)
_files = FileStrategies()

schemathesis.openapi.media_type(VIDEO_TYPE, _files.videos())
schemathesis.openapi.media_type(PICTURE_TYPE, _files.pictures())


@schemathesis.hook
def before_load_schema(context: HookContext, raw_schema: dict[str, Any]) -> None:
    """Says what is in the files of forms, so that they are drawn from `files.py`."""
    encoding = {
        VIDEO_FIELD: {"contentType": VIDEO_TYPE},
        MINIATURE_FIELD: {"contentType": PICTURE_TYPE},
    }
    for operations in raw_schema["paths"].values():
        for operation in operations.values():
            content = operation.get("requestBody", {}).get("content", {})
            if "multipart/form-data" in content:
                content["multipart/form-data"]["encoding"] = encoding


@schemathesis.auth(refresh_interval=None)
class AdminToken:
    """Every request is the admin's, unless a check wants it otherwise."""

    def get(self, case: Case, context: AuthContext) -> str:
        return _session.access()

    def set(self, case: Case, data: str, context: AuthContext) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def filter_case(context: HookContext, case: Case) -> bool:
    """The admin does not saw off the branch that everything sits on."""
    return not (
        case.method in ("PATCH", "DELETE")
        and str((case.path_parameters or {}).get("user_id")) == _session.user_id
    )


@schemathesis.hook.apply_to(path="/auth/signin/")
def map_case(context: HookContext, case: Case) -> Case:
    """Every other right body is that of an account that there is.

    Otherwise no session would ever be refreshed.
    """
    right = case.meta is not None and case.meta.generation.mode.is_positive
    if right and isinstance(case.body, dict) and len(case.body["password"]) % 2 == 0:
        case.body = _accounts["viewer"]
    return case


@schemathesis.hook.apply_to(path="/auth/signout/")
def map_case(context: HookContext, case: Case) -> Case:  # noqa: F811
    """Every other right body ends the session that all this is done in."""
    right = case.meta is not None and case.meta.generation.mode.is_positive
    if right and isinstance(case.body, dict) and len(case.body["refresh"]) % 2 == 0:
        case.body = {"refresh": _session.refresh}
    return case


@schemathesis.hook.apply_to(path="/media/", method="POST")
def map_case(context: HookContext, case: Case) -> Case:  # noqa: F811
    """Most right uploads name the digest that the video has, or none.

    A made-up one is never right, and nothing would ever be stored.
    """
    right = case.meta is not None and case.meta.generation.mode.is_positive
    if right and isinstance(case.body, dict) and case.body.get("sha256"):
        video = case.body["video"]
        digest = sha256(video if isinstance(video, bytes) else video.data).hexdigest()
        if int(digest[0], 16) % 4:
            case.body["sha256"] = digest
    return case


@schemathesis.hook
def filter_failure(
    context: HookContext, failure: Failure, case: Case, response: Response
) -> bool:
    """What was just made may be there without what is still being made of it.

    Schemathesis takes the 404 that says so for a media that is gone.
    """
    if not isinstance(failure, EnsureResourceAvailability):
        return True
    return response.json()["code"] not in ("media_not_stored", "metadata_not_ready")


@schemathesis.hook
def after_call(context: HookContext, case: Case, response: Response) -> None:
    """Notes refusals, and a session that has ended."""
    if response.status_code >= 400:
        _refused.add(response.headers["x-request-id"][0])
    if response.status_code == 401:
        sent = response.request.headers.get("Authorization", "")
        _session.forget(str(sent).removeprefix("Bearer "))


@schemathesis.check
def catalogued_refusal(ctx: CheckContext, response: Response, case: Case) -> None:
    """Whatever is refused, even by no operation, is a problem with a catalogued code."""
    if response.status_code < 400 or case.method == "HEAD":
        return
    kind = response.headers["content-type"][0]
    assert kind == PROBLEM_TYPE, f"a refusal is no problem+json but {kind}"
    problem: dict[str, Any] = response.json()
    assert problem["code"] in _codes, f"{problem['code']} is not in the catalogue"
    assert problem["status"] == response.status_code
