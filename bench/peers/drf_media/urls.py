"""Views and serializers, each in the usual way."""

from django.http import JsonResponse
from django.urls import path
from django.utils.dateparse import parse_datetime
from drf_media.models import Media
from rest_framework import generics, serializers
from rest_framework.pagination import LimitOffsetPagination

SHOWN = ("pending", "processing", "ready", "failed")


class SummarySerializer(serializers.ModelSerializer):
    owner = serializers.UUIDField(source="owner_id")
    size = serializers.IntegerField(source="video.size_bytes")
    media_type = serializers.CharField(source="video.media_type")
    duration = serializers.FloatField(source="duration_seconds")

    class Meta:
        model = Media
        fields = [
            *("uuid", "title", "status", "owner", "size", "media_type", "duration"),
            *("created_at", "updated_at"),
        ]


class MediaSerializer(SummarySerializer):
    sha256 = serializers.CharField(source="video.sha256")

    class Meta(SummarySerializer.Meta):
        fields = [
            *SummarySerializer.Meta.fields,
            *("description", "sha256", "file_name", "revision", "technical"),
        ]


class Uncounted(LimitOffsetPagination):
    """Nothing is counted, which makes it faster than it is by default."""

    default_limit = 20

    def get_count(self, queryset):
        return self.default_limit

    def get_paginated_response(self, data):
        from rest_framework.response import Response

        return Response({"items": data})


class One(generics.RetrieveAPIView):
    queryset = Media.objects.select_related("video")
    serializer_class = MediaSerializer
    lookup_field = "uuid"


class Page(generics.ListAPIView):
    serializer_class = SummarySerializer
    pagination_class = Uncounted

    def get_queryset(self):
        media = Media.objects.filter(status__in=SHOWN).select_related("video")
        if after := self.request.query_params.get("created_after"):
            media = media.filter(created_at__gte=parse_datetime(after))
        if before := self.request.query_params.get("created_before"):
            media = media.filter(created_at__lt=parse_datetime(before))
        if title := self.request.query_params.get("title"):
            media = media.filter(title__icontains=title)
        return media.order_by("-created_at", "-uuid")


def ping(request):
    return JsonResponse({"message": "pong"})


urlpatterns = [
    path("ping/", ping),
    path("media/", Page.as_view()),
    path("media/<uuid:uuid>/", One.as_view()),
    path("search", Page.as_view()),
]
