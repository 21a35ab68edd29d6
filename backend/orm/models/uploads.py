from django.db import models
from django.db.models import UniqueConstraint
from django.db.models.functions import Now

from backend.orm.constraints import Checks
from backend.orm.models.media import Blob

_PART = Checks("uploaded_part")


class MultipartUpload(models.Model):
    """The upload in parts of a blob that is not stored yet; the store named it."""

    # The database deletes it with its blob, even if the deleting code does not
    # know of uploads: see the migration.
    blob = models.OneToOneField(
        Blob,
        models.DO_NOTHING,
        primary_key=True,
        db_constraint=False,
        related_name="multipart_upload",
    )
    # Stores choose its length: some encode state in it.
    upload_id = models.CharField(max_length=2_000)
    part_bytes = models.BigIntegerField()
    begun_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "multipart_upload"

    def __str__(self) -> str:
        return self.upload_id


class UploadedPart(models.Model):
    """A part that the object store has accepted, and the hash of what was sent."""

    # As above.
    multipart_upload = models.ForeignKey(
        MultipartUpload,
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="parts",
    )
    number = models.PositiveIntegerField()
    etag = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    confirmed = models.BooleanField()

    class Meta:
        db_table = "uploaded_part"
        constraints = [
            _PART.sha256("sha256"),
            UniqueConstraint(
                fields=["multipart_upload", "number"], name="uploaded_part_number"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}"
