from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from backend.admin.read_only import ChoiceFilter, ReadOnlyAdmin
from backend.domain.rights import Right
from backend.orm.models import Role


class RoleFilter(ChoiceFilter):
    title = "role"
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        names = Role.objects.order_by("name").values_list("name", flat=True)
        return [(name, name) for name in names]


class ActiveFilter(ChoiceFilter):
    title = "active"
    parameter_name = "is_active"
    values = ("True", "False")


class UserAdmin(ReadOnlyAdmin):
    """Roles and activity are changed in the API, which protects the last admin."""

    right = Right.USER_MANAGE
    list_display = ("email", "role", "is_active", "created_at")
    list_filter = (RoleFilter, ActiveFilter)
    list_select_related = ("role",)
    search_fields = ("email",)
    ordering = ("email",)
    fields = ("email", "uuid", "role", "is_active", "created_at")


class RoleAdmin(ReadOnlyAdmin):
    right = Right.ROLE_MANAGE
    list_display = ("name", "built_in", "rights")
    search_fields = ("name",)
    ordering = ("name",)
    fields = ("name", "built_in", "rights")


class LiveFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("live", "not revoked"), ("revoked", "revoked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("live", "revoked"):
            return queryset
        return queryset.filter(revoked_at__isnull=self.value() == "live")


class SessionAdmin(ReadOnlyAdmin):
    """Never the digest of a refresh token."""

    right = Right.USER_MANAGE
    list_display = (
        "uuid",
        "user",
        "created_at",
        "refreshed_at",
        "expires_at",
        "revoked_at",
    )
    list_filter = (LiveFilter,)
    list_select_related = ("user",)
    search_fields = ("user__email",)
    ordering = ("-created_at", "uuid")
    fields = ("uuid", "user", "created_at", "refreshed_at", "expires_at", "revoked_at")
