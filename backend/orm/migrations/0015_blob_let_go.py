from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orm", "0014_worker_tally")]

    operations = [
        migrations.AddField(
            model_name="blob",
            name="let_go",
            field=models.BooleanField(db_default=False),
        ),
    ]
