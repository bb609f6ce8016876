"""The catalogue over the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema

from catalog import services
from catalog.models import Product
from catalog.records import KNOWN, MAX_ID, NewProduct, ProductError
from recommender import services as recommender
from recsite.api import rendering, serializers
from recsite.api.errors import bad, not_found
from recsite.api.keys import Key
from recsite.api.models import ApiKey
from recsite.api.views.base import ApiView, body, identity, items

MAX_PRODUCTS = 500
#: Answered but not taken back, so that what was read can be sent again.
READ_ONLY = ("available", "retired_at", "updated_at", "known")
#: What a PUT clears when it does not name it. Hidden is the merchandiser's word, and stays.
REPLACED = (*(name for name in KNOWN if name != "hidden"), "category")


class ProductsView(ApiView):
    scopes = {"POST": ApiKey.Scope.CATALOG_WRITE}
    secret_only = True

    @extend_schema(
        operation_id="post_products",
        request=serializers.ProductBatch,
        responses={200: serializers.ProductsAnswer, **serializers.refusals(400, 401, 403, 413, 415, 429, 503)},
        tags=["catalogue"],
    )
    def post(self, request: HttpRequest, key: Key | None) -> HttpResponse:
        """Create or change 1 to 500 products.

        What a product does not name stays; null clears it; further names are attributes.
        """
        good: list[NewProduct] = []
        rejected: list[dict[str, Any]] = []
        for index, values in enumerate(items(body(request), "products", most=MAX_PRODUCTS)):
            try:
                good.append(_read(values))
            except ProductError as error:
                name = values.get("product_id") if isinstance(values, dict) else None
                shown = name if isinstance(name, str) and len(name) <= MAX_ID else None
                rejected.append({"index": index, "product_id": shown, **_of(error)})
        stored = services.upsert_products(products=good)
        return rendering.json_response(
            {
                "created": stored.created,
                "changed": stored.changed,
                "unchanged": stored.unchanged,
                "rejected": rejected,
            }
        )


class ProductView(ApiView):
    scopes = dict.fromkeys(("GET", "PUT", "PATCH", "DELETE"), ApiKey.Scope.CATALOG_WRITE)
    secret_only = True

    @extend_schema(
        operation_id="get_product",
        responses={200: serializers.ProductAnswer, **serializers.refusals(401, 403, 404, 429, 503)},
        tags=["catalogue"],
    )
    def get(self, request: HttpRequest, key: Key | None, product_id: str) -> HttpResponse:
        """One product as it is stored."""
        return rendering.json_response(_shown(_find(product_id)))

    @extend_schema(
        operation_id="put_product",
        request=serializers.ProductInput,
        responses={
            200: serializers.ProductAnswer,
            201: serializers.ProductAnswer,
            **serializers.refusals(400, 401, 403, 413, 415, 429, 503),
        },
        tags=["catalogue"],
    )
    def put(self, request: HttpRequest, key: Key | None, product_id: str) -> HttpResponse:
        """Create a product or replace it: what is not named is unknown from now on (`hidden` stays as it is)."""
        name = identity(product_id, field="product_id")
        values = dict.fromkeys(REPLACED) | _attributes_to_clear(name) | _flat(body(request))
        product = _read_or_400(values, external_id=name)
        created = services.upsert_products(products=[product]).created
        _note(values)
        return rendering.json_response(_shown(_find(name)), status=201 if created else 200)

    @extend_schema(
        operation_id="patch_product",
        request=serializers.ProductInput,
        responses={200: serializers.ProductAnswer, **serializers.refusals(400, 401, 403, 404, 413, 415, 429, 503)},
        tags=["catalogue"],
    )
    def patch(self, request: HttpRequest, key: Key | None, product_id: str) -> HttpResponse:
        """Change single fields; null clears one."""
        values = _flat(body(request))
        try:
            row = services.patch_product(external_id=product_id, values=values)
        except Product.DoesNotExist:
            raise _unknown() from None
        except ProductError as error:
            raise bad(error.code, str(error), field=error.field) from error
        _note(values)
        return rendering.json_response(_shown(row))

    @extend_schema(
        operation_id="delete_product",
        responses={204: None, **serializers.refusals(401, 403, 404, 429, 503)},
        tags=["catalogue"],
    )
    def delete(self, request: HttpRequest, key: Key | None, product_id: str) -> HttpResponse:
        """Retire a product: it is in no answer from now on; its events stay."""
        if not ("\0" not in product_id and services.retire_product(external_id=product_id)):
            raise _unknown()
        recommender.note_products()
        return HttpResponse(status=204)


def _find(product_id: str) -> Product:
    row = (
        Product.objects.select_related("category").filter(external_id=product_id).first() if _sane(product_id) else None
    )
    if row is None:
        raise _unknown()
    return row


def _sane(product_id: str) -> bool:
    return "\0" not in product_id and len(product_id) <= MAX_ID


def _unknown() -> Exception:
    return not_found("there is no such product", field="product_id")


def _note(values: Mapping[str, Any]) -> None:
    """A hidden product leaves every answer at once; the rest is in the answers within seconds by itself."""
    if "hidden" in values:
        recommender.note_products()


def _read(values: Any) -> NewProduct:
    if not isinstance(values, dict):
        raise ProductError("not_an_object", "", "expected an object")
    return services.read_product(_flat(values))


def _read_or_400(values: Mapping[str, Any], *, external_id: str) -> NewProduct:
    try:
        return services.read_product(values, external_id=external_id)
    except ProductError as error:
        raise bad(error.code, str(error), field=error.field) from error


def _of(error: ProductError) -> dict[str, str]:
    return {"code": error.code, "field": error.field, "message": str(error)}


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes may come beside the other columns, or under ``attributes`` as they are answered."""
    rest = {name: value for name, value in values.items() if name not in READ_ONLY}
    nested = rest.pop("attributes", None)
    return {**nested, **rest} if isinstance(nested, dict) else rest


def _attributes_to_clear(product_id: str) -> dict[str, None]:
    held = Product.objects.filter(external_id=product_id).values_list("attributes", flat=True).first()
    return dict.fromkeys(held or ())


def _shown(row: Product) -> dict[str, Any]:
    return {
        "product_id": row.external_id,
        "title": row.title,
        "category": row.category.path if row.category else None,
        "brand": row.brand,
        "price": float(row.price) if row.price is not None else None,
        "currency": row.currency,
        "stock": row.stock,
        "tags": row.tags,
        "description": row.description,
        "image_url": row.image_url,
        "rating": row.rating,
        "rating_count": row.rating_count,
        "hidden": row.hidden,
        "attributes": row.attributes,
        "available": row.sellable,
        "retired_at": row.retired_at,
        "known": not row.is_stub,
        "updated_at": row.updated_at,
    }
