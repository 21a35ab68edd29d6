from django.db import migrations


class Migration(migrations.Migration):
    """Of names alone: nothing in the database changes."""

    dependencies = [("orm", "0006_accounts")]

    operations = [
        migrations.AlterModelOptions(
            name="media", options={"verbose_name_plural": "media"}
        )
    ]
