"""The groups ``merchandiser`` and ``admin`` with their permissions."""

from django.db import migrations

from recsite.dashboard.roles import declare_roles


def declare(apps, schema_editor):
    declare_roles(apps)


class Migration(migrations.Migration):
    dependencies = [
        ("dashboard", "0001_initial"),
        ("api", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("behavior", "0003_event_types"),
        ("catalog", "0001_initial"),
        ("recommender", "0002_placements"),
    ]

    operations = [migrations.RunPython(declare, migrations.RunPython.noop)]
