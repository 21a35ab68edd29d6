import json
from typing import Self, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from backend.admin.read_only import ChoiceFilter, ReadOnlyAdmin
from backend.admin.timeline import JobTimeline
from backend.domain.media import UrlKind
from backend.domain.rights import Right
from backend.domain.states import SHOWN_MEDIA, BlobState
from backend.orm.models import Media
from backend.use_cases.ports import CdnAddresses


class MediaStatusFilter(ChoiceFilter):
    title = "status"
    parameter_name = "status"
    values = tuple(SHOWN_MEDIA)


class BlobStateFilter(ChoiceFilter):
    title = "state"
    parameter_name = "state"
    values = tuple(BlobState)


class MediaAdmin(ReadOnlyAdmin):
    """The media that readers see, each with its picture and the story of its jobs."""

    right = Right.MEDIA_READ
    addresses: CdnAddresses
    list_display = (
        "picture",
        "title",
        "status",
        "owner",
        "size",
        "duration",
        "created_at",
    )
    list_display_links = ("title",)
    list_filter = (MediaStatusFilter,)
    list_select_related = ("owner", "video")
    search_fields = ("title",)
    ordering = ("-created_at", "-uuid")
    fieldsets = (
        (
            None,
            {"fields": ("picture", "title", "description", "status", "failure_code")},
        ),
        ("Jobs", {"fields": ("timeline",)}),
        (
            "Video",
            {
                "fields": (
                    "owner",
                    "file_name",
                    "video",
                    "size",
                    "duration",
                    "summary",
                    "addresses_shown",
                )
            },
        ),
        (
            "Row",
            {
                "fields": (
                    "uuid",
                    "revision",
                    "created_at",
                    "updated_at",
                    "published_at",
                    "described_at",
                )
            },
        ),
    )
    readonly_fields = (
        "picture",
        "size",
        "duration",
        "summary",
        "timeline",
        "addresses_shown",
    )

    @classmethod
    def showing(cls, addresses: CdnAddresses) -> type[Self]:
        """Django makes the object itself: what it needs is on its class."""
        return cast(type[Self], type(cls.__name__, (cls,), {"addresses": addresses}))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Media]:
        shown = super().get_queryset(request).filter(status__in=SHOWN_MEDIA)
        return shown.prefetch_related("urls")

    @admin.display(description="Miniature", empty_value="none")
    def picture(self, media: Media) -> SafeString | None:
        keys = [
            url.object_key for url in media.urls.all() if url.kind == UrlKind.MINIATURE
        ]
        if not keys:
            return None
        return format_html(
            '<img class="miniature" loading="lazy" alt="" src="{}">',
            self.addresses.address(keys[0]),
        )

    @admin.display(ordering="video__size_bytes")
    def size(self, media: Media) -> str:
        return filesizeformat(media.blob.size_bytes)

    @admin.display(ordering="duration_seconds", empty_value="unknown")
    def duration(self, media: Media) -> str | None:
        seconds = media.duration_seconds
        return None if seconds is None else f"{seconds:.1f} s"

    @admin.display(description="Technical", empty_value="unknown")
    def summary(self, media: Media) -> SafeString | None:
        if media.technical is None:
            return None
        return format_html("<pre>{}</pre>", json.dumps(media.technical, indent=2))

    @admin.display(description="Urls", empty_value="none")
    def addresses_shown(self, media: Media) -> SafeString | None:
        links = [
            (self.addresses.address(url.object_key), url.kind)
            for url in media.urls.all()
        ]
        return format_html_join(" ", '<a href="{}">{}</a>', links) or None

    @admin.display(description="Timeline")
    def timeline(self, media: Media) -> SafeString:
        return JobTimeline.of(media.jobs.all())


class BlobAdmin(ReadOnlyAdmin):
    right = Right.SYSTEM_INSPECT
    list_display = (
        "object_key",
        "state",
        "media_type",
        "size_bytes",
        "created_at",
        "stored_at",
    )
    list_filter = (BlobStateFilter,)
    search_fields = ("sha256", "object_key")
    ordering = ("-created_at",)
    fields = (
        "uuid",
        "object_key",
        "sha256",
        "media_type",
        "size_bytes",
        "state",
        "staged_name",
        "created_at",
        "stored_at",
    )
