"""What all pages of the admin have in common."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.admin import ModelAdmin, ShowFacets, SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest

from backend.domain.rights import Right
from backend.orm.models import User


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[type-arg]
    """Shows rows to those who hold `right`, and changes none.

    Every table has rules that only its ledger knows: locks, revisions, caches, jobs.
    """

    right: ClassVar[Right]
    list_filter: ClassVar[tuple[type[SimpleListFilter], ...]] = ()
    actions = None
    list_per_page = 50
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    change_form_template = "admin_site/shown.html"

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        user = request.user
        return isinstance(user, User) and user.has_right(self.right)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def lookup_allowed(
        self, lookup: str, value: Any, request: HttpRequest | None = None
    ) -> bool:
        """Only the declared filters: `?password__startswith=` would reveal hashes."""
        return lookup in {one.parameter_name for one in self.list_filter}


class ChoiceFilter(SimpleListFilter):
    """A filter by the known values of a column, without asking the table for them."""

    values: ClassVar[Iterable[str]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), str(value)) for value in self.values]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in dict(self.lookup_choices):
            return queryset
        return queryset.filter(**{str(self.parameter_name): self.value()})
