import backend.domain.states
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("orm", "0005_search_and_filters"),
    ]

    operations = [
        migrations.AlterField(
            model_name="media",
            name="owner",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="media",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(
                fields=["-created_at", "-uuid"], name="user_newest_first"
            ),
        ),
        migrations.AddConstraint(
            model_name="media",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        (
                            backend.domain.states.MediaStatus["DELETING"],
                            backend.domain.states.MediaStatus["DELETED"],
                        ),
                    ),
                    ("owner__isnull", False),
                    _connector="OR",
                ),
                name="media_shown_has_an_owner",
            ),
        ),
    ]
