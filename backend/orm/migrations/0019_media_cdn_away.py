import backend.domain.states
from backend.orm.migrations._failure_codes import (
    WHY_THE_RELEASE_BEFORE_GOES_ON,
    failed_with_a_code,
)
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    """One code more that a media may have failed with."""

    why_the_release_before_goes_on = WHY_THE_RELEASE_BEFORE_GOES_ON

    dependencies = [("orm", "0018_attempt_cdn_away")]

    operations = [
        migrations.RemoveConstraint("media", "media_failed_has_a_known_code"),
        AddConstraintNotValid(
            "media",
            models.CheckConstraint(
                condition=failed_with_a_code(backend.domain.states.MediaStatus.FAILED),
                name="media_failed_has_a_known_code",
            ),
        ),
    ]
