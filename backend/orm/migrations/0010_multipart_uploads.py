import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

# Uploads go with their blobs, and parts with their uploads, whoever deletes them.
_CASCADE = """
    ALTER TABLE multipart_upload
      ADD CONSTRAINT multipart_upload_of_blob FOREIGN KEY (blob_id)
          REFERENCES blob (uuid) ON DELETE CASCADE;
    ALTER TABLE uploaded_part
      ADD CONSTRAINT uploaded_part_of_upload FOREIGN KEY (multipart_upload_id)
          REFERENCES multipart_upload (blob_id) ON DELETE CASCADE;
"""


class Migration(migrations.Migration):
    """What attempts know of uploads in parts, so that the next one goes on with them."""

    dependencies = [
        ("orm", "0009_reconciliation"),
    ]

    operations = [
        migrations.CreateModel(
            name="MultipartUpload",
            fields=[
                (
                    "blob",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="multipart_upload",
                        serialize=False,
                        to="orm.blob",
                    ),
                ),
                ("upload_id", models.CharField(max_length=2000)),
                ("part_bytes", models.BigIntegerField()),
                (
                    "begun_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                    ),
                ),
            ],
            options={
                "db_table": "multipart_upload",
            },
        ),
        migrations.CreateModel(
            name="UploadedPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("etag", models.CharField(max_length=200)),
                ("sha256", models.CharField(max_length=64)),
                ("confirmed", models.BooleanField()),
                (
                    "multipart_upload",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="parts",
                        to="orm.multipartupload",
                    ),
                ),
            ],
            options={
                "db_table": "uploaded_part",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")),
                        name="uploaded_part_sha256_is_sha256",
                    ),
                    models.UniqueConstraint(
                        fields=("multipart_upload", "number"),
                        name="uploaded_part_number",
                    ),
                ],
            },
        ),
        migrations.RunSQL(_CASCADE, migrations.RunSQL.noop),
    ]
