import django.contrib.postgres.indexes
import django.db.models.functions.text
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("behavior", "0004_event_arrivals"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="shopper",
            name="shopper_id_trgm",
        ),
        migrations.AddIndex(
            model_name="shopper",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("external_id"), name="gin_trgm_ops"
                ),
                name="shopper_id_upper_trgm",
            ),
        ),
        # The planner knows nothing of an expression before the next ANALYZE, and takes the whole table instead.
        migrations.RunSQL("ANALYZE behavior_shopper", migrations.RunSQL.noop),
    ]
