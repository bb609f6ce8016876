"""The built-in event types, with the weights that training starts from."""

from django.db import migrations

BUILT_IN = [  # name, weight, leads a good recommendation to it
    ("impression", 0.0, False),
    ("view", 1.0, True),
    ("click", 1.0, True),
    ("cart", 3.0, True),
    ("favourite", 3.0, True),
    ("purchase", 5.0, True),
    ("rate", 3.0, True),
    ("dismiss", -1.0, False),
]


def declare(apps, schema_editor):
    EventType = apps.get_model("behavior", "EventType")
    for position, (name, weight, is_target) in enumerate(BUILT_IN):
        EventType.objects.create(name=name, weight=weight, is_target=is_target, is_builtin=True, position=position)


class Migration(migrations.Migration):
    dependencies = [("behavior", "0002_event_table")]

    operations = [migrations.RunPython(declare, migrations.RunPython.noop)]
