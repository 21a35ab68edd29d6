import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    """What all workers count."""

    dependencies = [
        ("orm", "0013_job_pause"),
    ]

    operations = [
        migrations.CreateModel(
            name="WorkerTally",
            fields=[
                (
                    "series",
                    models.CharField(max_length=300, primary_key=True, serialize=False),
                ),
                (
                    "counts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), size=None
                    ),
                ),
                ("total", models.FloatField()),
            ],
            options={
                "db_table": "worker_tally",
            },
        ),
    ]
