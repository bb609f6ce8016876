import django.contrib.postgres.indexes
import django.db.models.functions.text
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0003_import_uploads"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="product",
            name="product_title_trgm",
        ),
        migrations.RemoveIndex(
            model_name="product",
            name="product_id_upper",
        ),
        migrations.AddIndex(
            model_name="product",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("title"), name="gin_trgm_ops"
                ),
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("external_id"), name="gin_trgm_ops"
                ),
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("brand"), name="gin_trgm_ops"
                ),
                name="product_words_trgm",
            ),
        ),
        # The planner knows nothing of an expression before the next ANALYZE, and takes the whole table instead.
        migrations.RunSQL("ANALYZE catalog_product", migrations.RunSQL.noop),
    ]
