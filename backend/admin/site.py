from functools import partial
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver

from backend.admin.accounts import RoleAdmin, SessionAdmin, UserAdmin
from backend.admin.jobs import JobAdmin, JobAttemptAdmin, WorkerHeartbeatAdmin
from backend.admin.media import BlobAdmin, MediaAdmin
from backend.admin.operations import JobOperator, OperationsPage
from backend.admin.sessions import StaffSessions
from backend.admin.sign_in import SignInForm
from backend.orm.models import (
    Blob,
    Job,
    JobAttempt,
    Media,
    Role,
    Session,
    User,
    WorkerHeartbeat,
)
from backend.use_cases.check_password import CheckPassword
from backend.use_cases.ports import CdnAddresses


class MediaProjectAdminSite(AdminSite):
    """Lets staff view everything; one page acts on jobs.

    Passwords are changed in the API, where that ends the other sessions.
    """

    site_header = "MediaProject"
    site_title = "MediaProject"
    index_title = "What there is"
    index_template = "admin_site/index.html"
    # These have views that write, or that read any table by any id.
    LEFT_OUT = frozenset(
        {"password_change", "password_change_done", "autocomplete", "view_on_site"}
    )

    def __init__(
        self,
        check_password: CheckPassword,
        addresses: CdnAddresses,
        jobs: JobOperator,
        *,
        docs: bool,
    ) -> None:
        """`docs`: there is a Swagger UI to lead to."""
        super().__init__()
        self.site_url = "/docs" if docs else None
        self._sessions = StaffSessions()
        self._operations = OperationsPage(self, self._sessions, jobs)
        self.login_form = partial(SignInForm, check_password)  # type: ignore[assignment]
        self._register_all(addresses)

    def get_urls(self) -> list[URLResolver | URLPattern]:
        known = super().get_urls()
        left = [u for u in known if getattr(u, "name", None) not in self.LEFT_OUT]
        return [self._operations.url, *left]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        may_look = self._operations.may_look(request)
        return {**super().each_context(request), "may_look_at_operations": may_look}

    def login(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Sessions that are over go when the next one begins."""
        if request.user.is_authenticated and not self.has_permission(request):
            logout(request)  # Otherwise the page only denies access.
        response = super().login(request, extra_context)
        if request.method == "POST" and request.user.is_authenticated:
            request.session.clear_expired()
            self._sessions.begin(request)
        return response

    def logout(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> TemplateResponse:
        if request.method == "POST":
            self._sessions.end(request)
        return super().logout(request, extra_context)

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and self._sessions.is_live(request)

    def _register_all(self, addresses: CdnAddresses) -> None:
        self.register(User, UserAdmin)
        self.register(Role, RoleAdmin)
        self.register(Session, SessionAdmin)
        self.register(Media, MediaAdmin.showing(addresses))
        self.register(Blob, BlobAdmin)
        self.register(Job, JobAdmin)
        self.register(JobAttempt, JobAttemptAdmin)
        self.register(WorkerHeartbeat, WorkerHeartbeatAdmin)
