"""Which of the console's pages are asked for: each kind of page, and of those with many subjects ten or so of each,
from the busiest to the stillest."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import numpy as np
from django.db import connection

from catalog.models import Import
from recommender.models import Experiment, Placement, Rule, TrainingRun, Tuning

EACH = 10  # products and shoppers, of every degree of popularity
RUNS = 4  # the newest that were measured

Addresses = dict[str, list[str]]  # by the name of the kind of page; kinds of which the shop has none are absent


def for_merchandisers() -> Addresses:
    """What whoever may log in sees."""
    products, shoppers, words = _products(), _shoppers(), _words()
    imports = Import.objects.order_by("-pk").values_list("pk", flat=True)[:3]
    return _there_are(
        {
            "overview": ["/", "/?sells=sellers", "/?sells=fallers", "/?compare=year"],
            "products": [
                *("/products/", "/products/?page=3", "/products/?sort=-revenue", "/products/?sort=name"),
                *(f"/products/?{urlencode({'q': word})}" for word in words[::2]),
                *("/products/?missing=price", "/products/?state=sellable", "/products/?missing=category&sort=-revenue"),
            ],
            "one product": [f"/products/{quote(key)}/" for key in products],
            "best seller's lower half": [f"/products/{quote(key)}/?part=more" for key in products[:3]],
            "shoppers": ["/shoppers/", "/shoppers/?sort=-last", "/shoppers/?q=12", "/shoppers/?page=2"],
            "one shopper": [f"/shoppers/{quote(key)}/" for key in shoppers],
            "preview": [
                "/preview/",
                *(f"/preview/?shopper={quote(key)}" for key in shoppers[:4]),
                *(f"/preview/?placement=similar&product={quote(key)}" for key in products[:4]),
            ],
            "search": [f"/search/?{urlencode({'q': word})}" for word in words],
            **_steering(shoppers, products),
            **_models(),
            "feedback": [
                "/feedback/",
                *(f"/feedback/?{urlencode({'split': name})}" for name in ("segment", "position", "rule", "day")),
                *("/feedback/?compare=year", "/feedback/?placement=home"),
            ],
            "data": ["/data/", "/data/stream/", "/data/imports/"],
            "one import": [f"/data/imports/{pk}/" for pk in imports],
            "settings": ["/settings/", "/settings/you/"],
        }
    )


def for_admins() -> Addresses:
    """What only admins see."""
    return _there_are(
        {
            "settings: keys": ["/settings/keys/"],
            "settings: people": ["/settings/people/"],
            "settings: event types": ["/settings/event-types/", "/settings/event-types/of/purchase/"],
            "settings: audit log": ["/settings/audit/", "/settings/audit/?q=model"],
            "retrain": ["/models/retrain/"],
        }
    )


def _steering(shoppers: list[str], products: list[str]) -> Addresses:
    slots = list(Placement.objects.filter(is_active=True).values_list("slug", flat=True)[:EACH])
    rules = list(Rule.objects.order_by("id").values_list("pk", flat=True)[:EACH])
    tried = list(Experiment.objects.values_list("slug", flat=True)[:EACH])
    anyone = [f"/placements/?shopper={quote(key)}" for key in shoppers[:2]]
    pinned = [f"/rules/new/?{urlencode({'verb': 'pin', 'product': key})}" for key in products[:1]]
    return {
        "placements": ["/placements/", *anyone],
        "one placement": [f"/placements/{slug}/" for slug in slots] + ["/placements/new/"],
        "experiments": ["/experiments/", "/experiments/new/"],
        "one experiment": [f"/experiments/{slug}/" for slug in tried],
        "rules": ["/rules/", "/rules/history/"],
        "one rule": [*(f"/rules/{pk}/" for pk in rules), "/rules/new/", *pinned],
    }


def _models() -> Addresses:
    measured = TrainingRun.objects.exclude(metrics={}).order_by("-pk")
    runs = list(measured.values_list("pk", flat=True)[:RUNS])
    pairs = [(a, b) for place, a in enumerate(runs) for b in runs[place + 1 :]]
    searches = ["/models/tuning/"] if Tuning.objects.exists() else []
    return {
        "models": ["/models/", "/models/schedule/", *searches],
        "one model": [f"/models/{pk}/" for pk in runs],
        "two models": [f"/models/compare/?a={a}&b={b}" for a, b in pairs],
    }


def _there_are(found: Addresses) -> Addresses:
    return {name: some for name, some in found.items() if some}


def _products() -> list[str]:
    """The three best sellers, then products ever further down."""
    return _spread("""
        SELECT p.external_id FROM catalog_product p JOIN (
            SELECT product_id, count(*) AS lines FROM behavior_event WHERE type = 'purchase' GROUP BY 1
        ) sold ON sold.product_id = p.id ORDER BY lines DESC, p.id
    """)


def _shoppers() -> list[str]:
    """The three busiest shoppers, then others ever further down."""
    return _spread("""
        SELECT external_id FROM behavior_shopper s JOIN behavior_shopperprofile p ON p.shopper_id = s.id
        WHERE kind = 'shopper' AND merged_into_id IS NULL ORDER BY events DESC, s.id
    """)


def _spread(sql: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        keys = [key for (key,) in cursor.fetchall()]
    places = [0, 1, 2, *np.linspace(3, max(3, len(keys) - 1), EACH - 3).astype(int)]
    return list(dict.fromkeys(keys[place] for place in places if place < len(keys)))


def _words() -> list[str]:
    """What may be typed: 2 to 20 letters of a title that sells, digits of numbers, and what is nowhere."""
    titles = _spread("SELECT title FROM catalog_product WHERE length(title) > 19 ORDER BY id")
    parts = [title[:size] for title, size in zip(titles, (2, 3, 4, 5, 8, 12, 16, 20), strict=False)]
    return [*parts, "12", "1029", "qzx", "no such thing at all"]
