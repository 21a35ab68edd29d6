from backend.orm.migrations._failure_codes import CODES, WHY_THE_RELEASE_BEFORE_GOES_ON
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    """One code more that an attempt may have failed with."""

    why_the_release_before_goes_on = WHY_THE_RELEASE_BEFORE_GOES_ON

    dependencies = [("orm", "0017_job_cdn_away")]

    operations = [
        migrations.RemoveConstraint("jobattempt", "job_attempt_code_known"),
        AddConstraintNotValid(
            "jobattempt",
            models.CheckConstraint(
                condition=models.Q(("code__in", ["", *CODES])),
                name="job_attempt_code_known",
            ),
        ),
    ]
