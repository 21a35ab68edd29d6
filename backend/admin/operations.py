"""Actions of staff on many jobs: the only page of the site that changes anything."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from backend.admin.sessions import StaffSessions
from backend.domain.errors import Forbidden, Unauthenticated
from backend.domain.failures import FailureCode
from backend.domain.jobs import JobKind
from backend.domain.media import Caller
from backend.domain.operations import (
    INSPECTING_RIGHTS,
    PAUSING_RIGHTS,
    RETRYING_RIGHTS,
    FailedJobs,
    Operator,
    Stuck,
)
from backend.domain.rights import Right
from backend.orm.models import User
from backend.use_cases.operate_jobs import ResumeJobs, RetryFailedJobs
from backend.use_cases.ports.operations import JobOperations

T = TypeVar("T")
# Returns what the person is told.
Action = Callable[[HttpRequest, JobKind], str]

LONGER_THAN = timedelta(minutes=1)
MOST_LISTED = 50
# A page has to answer within seconds: with more jobs, press again.
MOST_RETRIED = 100
REASON_MOST_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class JobOperator:
    """What the page reads and does; the use cases check the rights again."""

    operations: JobOperations
    retry_failed_jobs: RetryFailedJobs
    resume_jobs: ResumeJobs


class OperationsPage:
    """Shows which kinds are paused and what is stuck, with a button for each remedy."""

    def __init__(
        self, site: AdminSite, sessions: StaffSessions, jobs: JobOperator
    ) -> None:
        self._site = site
        self._sessions = sessions
        self._jobs = jobs
        self._actions: dict[str, tuple[Action, tuple[Right, ...]]] = {
            "pause": (self._pause, PAUSING_RIGHTS),
            "resume": (self._resume, PAUSING_RIGHTS),
            "retry": (self._retry, RETRYING_RIGHTS),
        }

    @property
    def url(self) -> URLPattern:
        view = self._site.admin_view(self.answer)
        return path("operations/", view, name="operations")

    @classmethod
    def may_look(cls, request: HttpRequest) -> bool:
        return cls._holds(request, INSPECTING_RIGHTS)

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Raises `PermissionDenied`."""
        if not self.may_look(request):
            raise PermissionDenied
        if request.method != "POST":
            return self._shown(request)
        known = self._actions.get(request.POST.get("action", ""))
        if known is None:
            return HttpResponseBadRequest("There is no such action.")
        action, rights = known
        if not self._holds(request, rights):
            raise PermissionDenied
        return self._done(request, action)

    def _done(self, request: HttpRequest, action: Action) -> HttpResponse:
        try:
            kind = JobKind(request.POST.get("kind", ""))
            told = action(request, kind)
        except ValueError:
            return HttpResponseBadRequest("There is no such kind or code.")
        except (Unauthenticated, Forbidden):
            raise PermissionDenied from None
        messages.success(request, told)
        return redirect("admin:operations")

    def _pause(self, request: HttpRequest, kind: JobKind) -> str:
        reason = request.POST.get("reason", "")[:REASON_MOST_CHARACTERS]
        paused = self._await(
            request,
            self._jobs.operations.pause(
                kind, self._operator(request), reason.replace("\0", "")
            ),
        )
        return f"Paused: {kind}; {paused.running} attempts still run."

    def _resume(self, request: HttpRequest, kind: JobKind) -> str:
        resuming = self._jobs.resume_jobs.execute(kind, self._operator(request))
        self._await(request, resuming)
        return f"Resumed: {kind}."

    def _retry(self, request: HttpRequest, kind: JobKind) -> str:
        """Raises `ValueError` for a code that is not known."""
        which = FailedJobs(FailureCode(request.POST.get("code", "")), kind)
        retrying = self._jobs.retry_failed_jobs.execute(
            which, self._operator(request), f"retry-{uuid4().hex}", MOST_RETRIED
        )
        reopened = self._await(request, retrying)
        left = self._await(request, self._jobs.operations.count_failed(which))
        return (
            f"{len(reopened.opened)} jobs were opened again, "
            f"{sum(reopened.refused.values())} were left alone; {left.total} that "
            f"failed with {which.code} are left."
        )

    def _shown(self, request: HttpRequest) -> HttpResponse:
        stuck = self._await(
            request, self._jobs.operations.stuck(LONGER_THAN, MOST_LISTED)
        )
        context = {
            **self._site.each_context(request),
            "title": "Operations",
            "kinds": self._kinds(stuck),
            "stuck": stuck,
            "may_pause": self._holds(request, PAUSING_RIGHTS),
            "may_retry": self._holds(request, RETRYING_RIGHTS),
        }
        return TemplateResponse(request, "admin_site/operations.html", context)

    @staticmethod
    def _kinds(stuck: Stuck) -> list[dict[str, Any]]:
        pauses = {pause.kind: pause for pause in stuck.pauses}
        return [{"name": kind.value, "pause": pauses.get(kind)} for kind in JobKind]

    def _operator(self, request: HttpRequest) -> Operator:
        user = cast(User, request.user)
        rights = frozenset(r for r in Right if user.has_right(r))
        session = UUID(self._sessions.id_of(request))
        caller = Caller(user.uuid, session, user.email, user.role_id, rights)
        return Operator(user.email, caller)

    @staticmethod
    def _holds(request: HttpRequest, rights: tuple[Right, ...]) -> bool:
        user = request.user
        return isinstance(user, User) and all(map(user.has_right, rights))

    @staticmethod
    def _await(request: HttpRequest, work: Coroutine[Any, Any, T]) -> T:
        """It runs on the event loop, with the API's connections; this thread waits."""
        loop = cast(ASGIRequest, request).scope["loop"]
        return asyncio.run_coroutine_threadsafe(work, loop).result()
