import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    """Which kinds of job no worker begins."""

    dependencies = [
        ("orm", "0012_job_failed"),
    ]

    operations = [
        migrations.CreateModel(
            name="JobPause",
            fields=[
                (
                    "kind",
                    models.CharField(max_length=30, primary_key=True, serialize=False),
                ),
                (
                    "paused_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now()
                    ),
                ),
                ("paused_by", models.CharField(max_length=300)),
                ("reason", models.CharField(blank=True, db_default="", max_length=300)),
            ],
            options={
                "db_table": "job_pause",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "upload_to_cdn",
                                    "extract_metadata",
                                    "make_miniature",
                                    "delete_media",
                                ],
                            )
                        ),
                        name="job_pause_kind_known",
                    )
                ],
            },
        ),
    ]
