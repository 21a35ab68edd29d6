"""The roles that are there from the start; a right added later is added by a migration."""

from django.db import migrations

from backend.domain.rights import BUILT_IN_ROLES


def create_built_in_roles(apps, schema_editor):
    role = apps.get_model("orm", "Role")
    for built_in in BUILT_IN_ROLES:
        role.objects.update_or_create(
            name=built_in.name,
            defaults={
                "built_in": True,
                "rights": sorted(right.value for right in built_in.rights),
            },
        )


class Migration(migrations.Migration):
    dependencies = [("orm", "0001_initial")]
    operations = [
        migrations.RunPython(create_built_in_roles, migrations.RunPython.noop)
    ]
