"""``{% load console %}``: draw a component, an icon or a tile, and write numbers as people read them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.template.base import Node, NodeList, Parser, Token
from django.template.context import Context
from django.utils.safestring import SafeString, mark_safe

from recsite.dashboard import numbers
from recsite.dashboard.icons import ICONS
from recsite.dashboard.tiles import tile_of

register = template.Library()


@register.simple_tag(takes_context=True)
def show(context: Context, component: Any) -> str:
    """Draw a component (anything with a ``template``); its template sees it as ``c``. None draws nothing."""
    if component is None or component == "":
        return SafeString("")
    found = context.template.engine.get_template(component.template)  # type: ignore[union-attr]
    with context.push(c=component):
        return found.render(context)


@register.simple_tag
def icon(name: str) -> str:
    """A line icon, hidden from readers: it always stands beside a word."""
    return SafeString(f'<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">{ICONS[name]}</svg>')


@register.simple_tag
def shapes(tile: Any) -> str:
    """The drawing of a tile. The shapes are the product's own constants, never what a shop sent."""
    return SafeString(tile.shapes)


@register.simple_tag(takes_context=True)
def product_tile(context: Context, product: Any, size: str = "m") -> str:
    """The tile of a catalogue product: ``{% product_tile product "s" %}``."""
    return show(context, tile_of(product, size=size))


class CardNode(Node):
    """``{% card "What sells" badge=page.badge note="68,509 products" %} … {% endcard %}``."""

    def __init__(self, title: Any, extras: dict[str, Any], inside: NodeList) -> None:
        self.title, self.extras, self.inside = title, extras, inside

    def render(self, context: Context) -> SafeString:
        values = {key: value.resolve(context) for key, value in self.extras.items()}
        values |= {"title": self.title.resolve(context), "inside": self.inside.render(context)}
        found = context.template.engine.get_template("partials/card.html")  # type: ignore[union-attr]
        with context.push(card=values):
            return mark_safe(found.render(context))


@register.tag
def card(parser: Parser, token: Token) -> CardNode:
    """A block with a heading. Extras: badge, note, end (components at the right), id, classes, level (2 or 3)."""
    _, title, *rest = token.split_contents()
    extras = {key: parser.compile_filter(value) for key, _, value in (part.partition("=") for part in rest)}
    inside = parser.parse(("endcard",))
    parser.delete_first_token()
    return CardNode(parser.compile_filter(title), extras, inside)


@register.filter
def money(value: Any, currency: str) -> str:
    return numbers.money(value, currency)


@register.filter
def price(value: Any, currency: str) -> str:
    return numbers.price(value, currency)


@register.filter
def percent(value: Any, digits: int = 2) -> str:
    return numbers.percent(value, digits)


@register.filter
def decimal(value: Any, digits: int = 1) -> str:
    return numbers.decimal(value, digits)


@register.filter
def moment(value: datetime | None) -> str:
    return numbers.moment(value)


@register.filter
def ago(value: datetime | None) -> str:
    return numbers.ago(value)


register.filter("count", numbers.count)
register.filter("metric", numbers.metric)
register.filter("signed", numbers.signed)
register.filter("milliseconds", numbers.milliseconds)
register.filter("duration", numbers.duration)
register.filter("bytes", numbers.size)
register.filter("day", numbers.day)
