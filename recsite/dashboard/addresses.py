"""Where things are in the console: links to a product, a shopper, and lists with their filters."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse

from behavior.models import Shopper
from catalog.models import Product
from recsite.dashboard.components import Action


def product_url(product: Product) -> str:
    return reverse("product", args=[product.external_id])


def shopper_url(shopper: Shopper) -> str:
    name = "visitor" if shopper.kind == Shopper.Kind.VISITOR else "shopper"
    return reverse(name, args=[shopper.external_id])


def page(name: str, *args: object, **query: object) -> str:
    """The page ``name`` with a query of what is set: ``page("preview", shopper="2124")``.

    Empty where there is no such page: what would lead there is then left out (see ``linked``).
    """
    try:
        found = reverse(name, args=args)
    except NoReverseMatch:
        return ""
    text = urlencode({key: value for key, value in query.items() if value not in (None, "")}, doseq=True)
    return found + (f"?{text}" if text else "")


def linked(*actions: Action) -> list[Action]:
    """The actions that lead somewhere."""
    return [action for action in actions if action.href]


def changed(params: Mapping[str, str], **changes: object) -> str:
    """The address of the same page with some parameters changed; empty ones are left out, the page number too."""
    merged = {**{key: params[key] for key in params if key != "page"}, **changes}
    return "?" + urlencode({key: value for key, value in merged.items() if value not in (None, "")})
