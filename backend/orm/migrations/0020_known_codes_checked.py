from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """All rows have a known code; others write while they are read."""

    why_the_release_before_goes_on = "Nothing changes but what PostgreSQL is sure of."

    dependencies = [("orm", "0019_media_cdn_away")]

    operations = [
        ValidateConstraint("job", "job_failed_has_a_known_code"),
        ValidateConstraint("jobattempt", "job_attempt_code_known"),
        ValidateConstraint("media", "media_failed_has_a_known_code"),
    ]
