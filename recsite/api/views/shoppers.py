"""Shoppers over the API: what the shop knows of them, and a visitor who logs in."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema

from behavior import services
from behavior.models import Shopper
from recommender import services as recommender
from recsite.api import rendering, serializers
from recsite.api.errors import bad, not_found
from recsite.api.keys import Key
from recsite.api.models import ApiKey
from recsite.api.views import privacy
from recsite.api.views.base import ApiView, body, identity

FIELDS = ("age", "gender", "income")
MAX_FIELD = 32
MAX_ATTRIBUTES = 200
READ_ONLY = ("shopper", "known", "segment", "updated_at")


class ShopperView(ApiView):
    scopes = {**dict.fromkeys(("GET", "PUT"), ApiKey.Scope.CATALOG_WRITE), "DELETE": ApiKey.Scope.PRIVACY_WRITE}
    secret_only = True

    @extend_schema(
        operation_id="get_shopper",
        responses={200: serializers.ShopperAnswer, **serializers.refusals(401, 403, 404, 429, 503)},
        tags=["shoppers"],
    )
    def get(self, request: HttpRequest, key: Key | None, shopper_id: str) -> HttpResponse:
        """What is stored about a shopper."""
        found = Shopper.objects.select_related("profile").filter(kind=Shopper.Kind.SHOPPER, external_id=shopper_id)
        row = found.first() if "\0" not in shopper_id else None
        if row is None:
            raise not_found("there is no such shopper", field="shopper")
        return rendering.json_response(_shown(row))

    @extend_schema(
        operation_id="put_shopper",
        request=serializers.ShopperInput,
        responses={200: serializers.ShopperAnswer, **serializers.refusals(400, 401, 403, 413, 415, 429, 503)},
        tags=["shoppers"],
    )
    def put(self, request: HttpRequest, key: Key | None, shopper_id: str) -> HttpResponse:
        """Create a shopper or replace what is known of them: what is not named is unknown (`consent` stays)."""
        name = identity(shopper_id, field="shopper")
        fields, attributes = _read(body(request))
        held = Shopper.objects.filter(kind=Shopper.Kind.SHOPPER, external_id=name).values_list("attributes", flat=True)
        cleared = dict.fromkeys(held.first() or ())
        row = services.set_shopper(external_id=name, attributes={**cleared, **attributes}, **fields)
        return rendering.json_response(_shown(row))

    @extend_schema(
        operation_id="erase_shopper",
        request=None,
        responses={200: serializers.Receipt, 202: serializers.Receipt, **privacy.REFUSALS},
        tags=["privacy"],
    )
    def delete(self, request: HttpRequest, key: Key | None, shopper_id: str) -> HttpResponse:
        """Erase everything about a shopper and the visitors that they were; the answer is the receipt."""
        return privacy.erased(Shopper.Kind.SHOPPER, identity(shopper_id, field="shopper"), key)


class MergeView(ApiView):
    scopes = {"POST": ApiKey.Scope.EVENTS_WRITE}
    secret_only = True

    @extend_schema(
        operation_id="merge_visitor",
        request=serializers.MergeInput,
        responses={200: serializers.MergeAnswer, **serializers.refusals(400, 401, 403, 413, 415, 429, 503)},
        tags=["shoppers"],
    )
    def post(self, request: HttpRequest, key: Key | None, shopper_id: str) -> HttpResponse:
        """A visitor logs in: what they did, and will do under that id, counts for the shopper from now on."""
        shopper = identity(shopper_id, field="shopper")
        values = body(request)
        if set(values) != {"visitor"}:
            raise bad("wrong_shape", 'expected {"visitor": "…"}', field="visitor")
        visitor = identity(values["visitor"], field="visitor")
        merged = services.merge_visitor(visitor=visitor, shopper=shopper)
        recommender.note_merge(visitor=visitor, shopper=shopper)
        return rendering.json_response({"shopper": shopper, "visitor": visitor, "events": merged.moved})


def _read(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Known fields and attributes; raises 400."""
    rest = {name: value for name, value in values.items() if name not in READ_ONLY}
    nested = rest.pop("attributes", None)
    if nested is not None and not isinstance(nested, dict):
        raise bad("wrong_type", "attributes: expected an object", field="attributes")
    fields: dict[str, Any] = {name: _field(name, rest.pop(name, None)) for name in FIELDS}
    if "consent" in rest:
        fields["consent"] = _consent(rest.pop("consent"))
    attributes = {**(nested or {}), **rest}
    if len(attributes) > MAX_ATTRIBUTES:
        raise bad("too_many", f"expected at most {MAX_ATTRIBUTES} attributes, received {len(attributes)}")
    for name, value in attributes.items():
        _check_attribute(name, value)
    return fields, attributes


def _field(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise bad("wrong_type", f"{name}: expected text or a number, received {str(value)[:60]!r}", field=name)
    text = str(value).strip()
    if len(text) > MAX_FIELD or "\0" in text:
        raise bad("too_long", f"{name}: expected at most {MAX_FIELD} characters of text", field=name)
    return text


def _consent(value: Any) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise bad("wrong_type", "consent: expected true, false or null", field="consent")
    return value


def _check_attribute(name: str, value: Any) -> None:
    if not name or len(name) > 100 or "\0" in name:
        raise bad("bad_name", "expected attribute names of 1 to 100 characters", field=name[:100] or "attributes")
    if value is not None and not isinstance(value, str | int | float | bool):
        raise bad("wrong_type", f"{name}: expected text, a number, true/false or null", field=name)
    if isinstance(value, str) and (len(value) > 1000 or "\0" in value):
        raise bad("too_long", f"{name}: expected at most 1000 characters of text", field=name)


def _shown(row: Shopper) -> dict[str, Any]:
    profile = getattr(row, "profile", None)
    return {
        "shopper": row.external_id,
        "age": row.age or None,
        "gender": row.gender or None,
        "income": row.income or None,
        "consent": row.consent,
        "attributes": row.attributes,
        "segment": profile.segment if profile else None,
        "known": not row.is_stub,
        "updated_at": row.updated_at,
    }
