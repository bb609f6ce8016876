"""From a query string or a JSON body to a ``serve.Request``: what may be asked, and by whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from django.http import QueryDict
from django.utils import timezone

from behavior.records import MAX_AHEAD, RFC_3339
from recommender.conditions import Condition, ConditionError
from recommender.serve import Request
from recsite.api.errors import ApiError, bad, not_found
from recsite.api.keys import Key
from recsite.api.models import ApiKey
from recsite.api.views.base import identity

MAX_N = 100
MAX_ANCHORS = 100
MAX_EXCLUDED = 1000
MAX_FILTERS = 20
NAMES = (
    "shopper", "visitor", "placement", "n", "product", "exclude", "filter", "explain", "as_of", "record",
)  # fmt: skip
PREVIEW = ("as_of", "record")


def from_query(query: QueryDict, key: Key, *, source: str) -> Request:
    """``filter`` comes as ``filter[category]=Dairy`` (repeatable) or as one JSON object; ids are repeatable."""
    values: dict[str, Any] = {}
    filters: dict[str, Any] = {}
    for name in query:
        given = query.getlist(name)
        if name.startswith("filter[") and name.endswith("]"):
            filters[name[7:-1]] = given if len(given) > 1 else given[0]
        elif name in ("product", "exclude"):
            values[name] = given
        elif len(given) > 1:
            raise bad("repeated", f"expected {name} once, received {len(given)}", field=name[:100])
        else:
            values[name] = given[0]
    if isinstance(values.get("filter"), str):
        values["filter"] = _object(values["filter"])
    if filters:
        values["filter"] = {**values.get("filter", {}), **filters}
    for name in ("explain", "record"):
        if name in values:
            values[name] = _flag(name, values[name])
    if "n" in values:
        values["n"] = int(values["n"]) if values["n"].isdecimal() and len(values["n"]) < 10 else values["n"]
    return from_values(values, key, source=source)


def from_values(values: Any, key: Key, *, source: str) -> Request:
    """One request of a JSON body. Raises 400, 403 and, for a shopper that is not the key's own, 404."""
    if not isinstance(values, dict):
        raise bad("not_an_object", "expected each request to be an object", field="requests")
    if unknown := sorted(set(values) - set(NAMES)):
        raise bad("unknown_field", f"expected {', '.join(NAMES)}; received {unknown[0][:60]!r}", field=unknown[0][:100])
    shopper, visitor = _who(values, key)
    _may_preview(values, key)
    return Request(
        shopper=shopper,
        visitor=visitor,
        placement=_placement(values),
        n=_n(values.get("n")),
        products=_ids(values.get("product"), "product", most=MAX_ANCHORS),
        exclude=_ids(values.get("exclude"), "exclude", most=MAX_EXCLUDED),
        filters=_filter(values.get("filter")),
        explain=_boolean(values, "explain", default=False),
        as_of=_as_of(values.get("as_of")),
        record=_boolean(values, "record", default=True),
        source=source,
    )


def _who(values: Mapping[str, Any], key: Key) -> tuple[str | None, str | None]:
    found = {
        name: identity(values[name], field=name) if values.get(name) is not None else None
        for name in ("shopper", "visitor")
    }
    if found["shopper"] is not None and found["visitor"] is not None:
        raise bad("ambiguous", "expected a shopper or a visitor, received both", field="visitor")
    if found["shopper"] is not None and not key.is_secret:
        raise not_found("there is no such shopper for a publishable key", field="shopper")
    return found["shopper"], found["visitor"]


def _may_preview(values: Mapping[str, Any], key: Key) -> None:
    for name in PREVIEW:
        if values.get(name) is not None and not (key.is_secret and key.may(ApiKey.Scope.ADMIN)):
            raise ApiError(403, "missing_scope", f"{name}: expected a secret key with the scope admin", field=name)


def _placement(values: Mapping[str, Any]) -> str:
    placement = values.get("placement")
    if placement is None:
        return "home"
    if not isinstance(placement, str):
        raise bad("wrong_type", "placement: expected a slug", field="placement")
    return placement


def _n(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_N:
        raise bad("out_of_range", f"n: expected a whole number 1 to {MAX_N}, received {str(value)[:40]!r}", field="n")
    return value


def _ids(value: Any, name: str, *, most: int) -> tuple[str, ...]:
    if value is None:
        return ()
    values: Sequence[Any] = value if isinstance(value, list) else [value]
    if len(values) > most:
        raise bad("too_many", f"{name}: expected at most {most} ids, received {len(values)}", field=name)
    return tuple(dict.fromkeys(identity(entry, field=name) for entry in values))


def _filter(value: Any) -> Condition | None:
    if value is None or value == {}:
        return None
    if not isinstance(value, dict):
        raise bad("wrong_type", "filter: expected an object such as category, brand, price_max", field="filter")
    if len(value) > MAX_FILTERS:
        raise bad("too_many", f"filter: expected at most {MAX_FILTERS} parts, received {len(value)}", field="filter")
    try:
        return Condition.from_filter(value)
    except ConditionError as error:
        raise bad("bad_filter", str(error)[:300], field=f"filter.{error.field}"[:100]) from error


def _boolean(values: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = values.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise bad("wrong_type", f"{name}: expected true or false, received {str(value)[:40]!r}", field=name)
    return value


def _flag(name: str, text: str) -> bool:
    words = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in words:
        raise bad("wrong_type", f"{name}: expected true or false, received {text[:40]!r}", field=name)
    return words[text.lower()]


def _object(text: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise bad("wrong_type", "filter: expected filter[name]=value or one JSON object", field="filter")
    return value


def _as_of(value: Any) -> datetime | None:
    if value is None:
        return None
    # In a query string an unescaped + of an offset arrives as a space.
    text = value.replace(" ", "+") if isinstance(value, str) and value[-6:-5] == " " else value
    try:
        if not isinstance(text, str) or not RFC_3339.fullmatch(text):
            raise ValueError
        at = datetime.fromisoformat(text.upper())
        at.timestamp()
    except (ValueError, OverflowError) as error:
        raise bad("bad_time", f"as_of: expected RFC 3339, received {str(value)[:60]!r}", field="as_of") from error
    if at > timezone.now() + MAX_AHEAD * 366:
        raise bad("in_the_future", "as_of: expected a time within a year from now", field="as_of")
    return at
