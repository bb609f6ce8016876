"""The built-in placements."""

from django.db import migrations

BUILT_IN = [  # slug, title, strategy, fallbacks in order
    ("home", "Home", "personal", ["trending", "popular"]),
    ("similar", "Similar products", "similar", ["bought_together", "personal", "trending", "popular"]),
    ("bought-together", "Bought together", "bought_together", ["similar", "personal", "trending", "popular"]),
    ("basket", "Basket add-ons", "basket", ["personal", "trending", "popular"]),
    ("trending", "Trending", "trending", ["popular"]),
    ("buy-again", "Buy again", "buy_again", ["personal", "trending", "popular"]),
    ("recently-viewed", "Recently viewed", "recently_viewed", ["personal", "trending", "popular"]),
]


def declare(apps, schema_editor):
    Placement = apps.get_model("recommender", "Placement")
    for position, (slug, title, strategy, fallbacks) in enumerate(BUILT_IN):
        Placement.objects.create(
            slug=slug, title=title, strategy=strategy, fallbacks=fallbacks, is_builtin=True, position=position
        )


class Migration(migrations.Migration):
    dependencies = [("recommender", "0001_initial")]

    operations = [migrations.RunPython(declare, migrations.RunPython.noop)]
