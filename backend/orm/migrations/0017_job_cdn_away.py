import backend.domain.states
from backend.orm.migrations._failure_codes import (
    WHY_THE_RELEASE_BEFORE_GOES_ON,
    failed_with_a_code,
)
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    """One code more that a job may have failed with.

    The next two do the same for attempts and media: each locks one table only, so none
    can be in a deadlock with the transactions of the release before. Rows need not be
    read under these locks: the migration after them does it.
    """

    why_the_release_before_goes_on = WHY_THE_RELEASE_BEFORE_GOES_ON

    dependencies = [("orm", "0016_titles_newest_first")]

    operations = [
        migrations.RemoveConstraint("job", "job_failed_has_a_known_code"),
        AddConstraintNotValid(
            "job",
            models.CheckConstraint(
                condition=failed_with_a_code(backend.domain.states.JobStatus.FAILED),
                name="job_failed_has_a_known_code",
            ),
        ),
    ]
