from uuid import uuid4

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Func, Q, UniqueConstraint
from django.db.models.functions import Now

from backend.domain.failures import FailureCode
from backend.domain.media import (
    DESCRIPTION_MOST_CHARACTERS,
    FILE_NAME_MOST_BYTES,
    TITLE_MOST_CHARACTERS,
    UrlKind,
)
from backend.domain.states import (
    BLOB_TRANSITIONS,
    GONE_MEDIA,
    LIVE_MEDIA,
    MEDIA_TRANSITIONS,
    SHOWN_MEDIA,
    BlobState,
    MediaStatus,
)
from backend.orm.constraints import Checks
from backend.orm.models.accounts import User

_BLOB = Checks("blob")
_MEDIA = Checks("media")
_MINIATURE = Checks("miniature")
_URL = Checks("url")
_SHOWN = Q(status__in=SHOWN_MEDIA)


class Blob(models.Model):
    """Bytes, shared by all media that have them.

    `staged_name` is their staged file. Once it is `let_go` nothing may rely on it: it
    may be about to be removed, or its bytes are not those that were received.
    """

    uuid = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    sha256 = models.CharField(max_length=64, unique=True)
    size_bytes = models.BigIntegerField()
    media_type = models.CharField(max_length=100)
    object_key = models.CharField(max_length=200, unique=True)
    staged_name = models.UUIDField(unique=True)
    let_go = models.BooleanField(db_default=False)
    state = models.CharField(max_length=20, default=BlobState.STAGED)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    stored_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "blob"
        constraints = [
            _BLOB.one_of("state", BLOB_TRANSITIONS.states),
            _BLOB.sha256("sha256"),
            _BLOB.that("size_is_positive", Q(size_bytes__gt=0)),
            _BLOB.that(
                "stored_has_time",
                ~Q(state=BlobState.STORED) | Q(stored_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.object_key


class Media(models.Model):
    """A media as people see it; `revision` rises with every visible change."""

    uuid = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    title = models.CharField(max_length=TITLE_MOST_CHARACTERS)
    description = models.CharField(
        max_length=DESCRIPTION_MOST_CHARACTERS, blank=True, default=""
    )
    file_name = models.CharField(max_length=FILE_NAME_MOST_BYTES)
    # A tombstone outlives the account that owned the media.
    owner = models.ForeignKey(User, models.PROTECT, null=True, related_name="media")
    # A tombstone has no bytes.
    video = models.ForeignKey(Blob, models.PROTECT, null=True, related_name="media")
    status = models.CharField(max_length=20, default=MediaStatus.PENDING)
    failure_code = models.CharField(max_length=50, blank=True, default="")
    technical = models.JSONField(null=True)
    duration_seconds = models.FloatField(null=True)
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now())
    published_at = models.DateTimeField(null=True)
    described_at = models.DateTimeField(null=True)
    # Its words without case and accents, each between spaces: titles are searched and
    # ordered by it, and only the database folds.
    folded_title = models.GeneratedField(
        expression=Func("title", function="fold_title"),
        output_field=models.TextField(db_collation="C"),
        db_persist=True,
    )

    class Meta:
        db_table = "media"
        verbose_name_plural = "media"
        constraints = [
            _MEDIA.one_of("status", MEDIA_TRANSITIONS.states),
            _MEDIA.that("title_is_there", ~Q(title="")),
            _MEDIA.that("revision_is_positive", Q(revision__gte=1)),
            _MEDIA.that(
                "ready_is_published_and_described",
                ~Q(status=MediaStatus.READY)
                | Q(published_at__isnull=False, described_at__isnull=False),
            ),
            _MEDIA.that(
                "failed_has_a_known_code",
                ~Q(status=MediaStatus.FAILED)
                | Q(failure_code__in=[code.value for code in FailureCode]),
            ),
            _MEDIA.that(
                "only_a_tombstone_has_no_video",
                Q(status=MediaStatus.DELETED) | Q(video__isnull=False),
            ),
            _MEDIA.that(
                "shown_has_an_owner",
                Q(status__in=GONE_MEDIA) | Q(owner__isnull=False),
            ),
            UniqueConstraint(
                fields=["owner", "video"],
                condition=Q(status__in=LIVE_MEDIA),
                name="media_once_per_owner_and_video",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-created_at", "-uuid"],
                condition=_SHOWN,
                name="media_newest_first",
            ),
            models.Index(
                fields=["owner", "-created_at", "-uuid"],
                condition=_SHOWN,
                name="media_of_owner_newest_first",
            ),
            models.Index(
                fields=["status", "-created_at", "-uuid"],
                condition=_SHOWN,
                name="media_of_status_newest_first",
            ),
            models.Index(
                fields=["folded_title", "uuid"],
                condition=_SHOWN,
                name="media_by_title",
            ),
            models.Index(
                fields=["owner", "folded_title", "uuid"],
                condition=_SHOWN,
                name="media_of_owner_by_title",
            ),
            models.Index(
                fields=["duration_seconds"],
                condition=_SHOWN,
                name="media_by_duration",
            ),
            # A word in very many titles is searched here, without reading rows.
            models.Index(
                fields=["-created_at", "-uuid"],
                include=["folded_title"],
                condition=_SHOWN,
                name="media_titles_newest_first",
            ),
            # Without the list of pending entries that every search would read too.
            GinIndex(
                fields=["folded_title"],
                opclasses=["gin_trgm_ops"],
                fastupdate=False,
                condition=_SHOWN,
                name="media_title_trigrams",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def blob(self) -> Blob:
        """The bytes of the video. Raises `ValueError` for a tombstone, which has none."""
        if self.video is None:
            raise ValueError("A tombstone has let go of its bytes.")
        return self.video


class Miniature(models.Model):
    """The still picture of a media; `made_with` names the libraries that made it.

    Beside the `shown` one there may be another, which replaces it once it is stored.
    Both use their blobs.
    """

    media = models.ForeignKey(Media, models.CASCADE, related_name="miniatures")
    shown = models.BooleanField(db_default=False)
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="miniatures")
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    made_with = models.CharField(max_length=200, blank=True, db_default="")

    class Meta:
        db_table = "miniature"
        constraints = [
            _MINIATURE.that("size_is_positive", Q(width__gt=0, height__gt=0)),
            UniqueConstraint(
                fields=["media", "shown"], name="miniature_one_shown_one_made"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


class Url(models.Model):
    """The place of an object of a media; the address is made when it is shown."""

    media = models.ForeignKey(Media, models.CASCADE, related_name="urls")
    kind = models.CharField(max_length=20)
    object_key = models.CharField(max_length=200)

    class Meta:
        db_table = "url"
        constraints = [
            _URL.one_of("kind", UrlKind),
            UniqueConstraint(fields=["media", "kind"], name="url_once_per_kind"),
        ]

    def __str__(self) -> str:
        return self.object_key
