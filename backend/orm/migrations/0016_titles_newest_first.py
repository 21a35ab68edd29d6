import django.contrib.postgres.operations
from django.db import migrations, models


class Migration(migrations.Migration):
    """Titles beside the order of time, so that words that very many have are found
    without the rows."""

    # The index is made while others write.
    atomic = False
    why_the_release_before_goes_on = "Only an index is taken away, which it has not."

    dependencies = [("orm", "0015_blob_let_go")]

    operations = [
        # What a run that was broken off has left behind is no index.
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS media_titles_newest_first",
            migrations.RunSQL.noop,
        ),
        django.contrib.postgres.operations.AddIndexConcurrently(
            model_name="media",
            index=models.Index(
                fields=["-created_at", "-uuid"],
                condition=models.Q(
                    ("status__in", ("pending", "processing", "ready", "failed"))
                ),
                include=("folded_title",),
                name="media_titles_newest_first",
            ),
        ),
    ]
