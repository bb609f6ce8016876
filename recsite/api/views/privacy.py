"""A person's data over the API: all of it to take away, or all of it erased."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema

from behavior.models import Shopper
from recsite import erasure
from recsite.api import rendering, serializers
from recsite.api.errors import not_found
from recsite.api.keys import Key
from recsite.api.models import ApiKey
from recsite.api.views.base import ApiView, identity, owner_only
from recsite.personal_data import known_of

REFUSALS = serializers.refusals(400, 401, 403, 404, 429, 503)


class ExportView(ApiView):
    scopes = {"GET": ApiKey.Scope.PRIVACY_WRITE}
    secret_only = True

    @extend_schema(
        operation_id="export_shopper", responses={200: serializers.PersonalData, **REFUSALS}, tags=["privacy"]
    )
    def get(self, request: HttpRequest, key: Key | None, shopper_id: str) -> HttpResponse:
        """Everything that is stored about a shopper: what they told, their events and lists, what was made of them."""
        name = identity(shopper_id, field="shopper")
        row = Shopper.objects.filter(kind=Shopper.Kind.SHOPPER, external_id=name).first()
        if row is None:
            raise not_found("there is no such shopper", field="shopper")
        return rendering.json_response(known_of(row))


def erased(kind: str, external_id: str, key: Key | None) -> HttpResponse:
    """Erase and answer the receipt: 200 when all is gone, 202 while a part that is away is waited for; 404 where
    nothing was known. Who asks again gets what is there now, and the receipts of before."""
    earlier = erasure.receipts_of(kind, external_id)
    name = f"key {owner_only(key).id}"
    made = erasure.erase(kind=kind, external_id=external_id, by=None, via=name)
    if not earlier and not any(made.erased.values()):
        raise not_found(f"nothing is known of this {kind}", field=kind)
    answer = {
        kind: external_id,
        **erasure.receipt_of(made),
        "earlier": [erasure.receipt_of(row)["receipt"] for row in earlier],
    }
    return rendering.json_response(answer, status=200 if made.completed_at else 202)


class EraseVisitorView(ApiView):
    scopes = {"DELETE": ApiKey.Scope.PRIVACY_WRITE}
    secret_only = True

    @extend_schema(
        operation_id="erase_visitor",
        request=None,
        responses={200: serializers.Receipt, 202: serializers.Receipt, **REFUSALS},
        tags=["privacy"],
    )
    def delete(self, request: HttpRequest, key: Key | None, visitor_id: str) -> HttpResponse:
        """Erase everything about a visitor. What one did who logged in since is the shopper's: erase the shopper."""
        return erased(Shopper.Kind.VISITOR, identity(visitor_id, field="visitor"), key)
