# The number 0011 was never released.
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orm", "0010_multipart_uploads")]

    operations = [
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("status", "failed")),
                fields=["kind", "failure_code"],
                name="job_failed",
            ),
        ),
    ]
