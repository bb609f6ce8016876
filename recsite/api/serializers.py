"""The only wire shapes: what the schema says and the views keep. No row passes through one on a hot path."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers as s

CODES = {
    400: "Not JSON, not this shape, or a value out of its range.",
    401: "No key, or one that is unknown, expired or revoked.",
    403: "The key lacks the scope.",
    404: "There is no such thing, or it is not yours.",
    413: "The body is too large; nothing of it was read.",
    415: "The body is not application/json.",
    429: "Too many requests of this key; see Retry-After.",
    503: "Busy or a dependency is down; nothing was stored; see Retry-After.",
}


class ErrorBody(s.Serializer[Any]):
    code = s.CharField()
    message = s.CharField()
    field = s.CharField(required=False)


class Error(s.Serializer[Any]):
    error = ErrorBody()


def refusals(*statuses: int) -> dict[int, Any]:
    """Responses of the schema for the errors of a view."""
    from drf_spectacular.utils import OpenApiResponse

    return {status: OpenApiResponse(Error, description=CODES[status]) for status in statuses}


class Event(s.Serializer[Any]):
    event_id = s.UUIDField(help_text="Made by the shop, once an event. Version 7 stores faster.")
    type = s.CharField(max_length=32, help_text="impression, view, click, cart, favourite, purchase, rate, dismiss …")
    at = s.DateTimeField(help_text="When it happened, RFC 3339; at most 24 hours ahead.")
    shopper = s.CharField(required=False, max_length=128)
    visitor = s.CharField(required=False, max_length=128)
    product = s.CharField(
        required=False, max_length=128, help_text="May be missing from an impression of a recommendation_id."
    )
    value = s.FloatField(required=False, allow_null=True, help_text="Of type rate: the rating.")
    quantity = s.FloatField(required=False, allow_null=True)
    price = s.FloatField(required=False, allow_null=True, min_value=0, help_text="Of one unit.")
    session = s.CharField(required=False, max_length=128, allow_blank=True)
    placement = s.CharField(required=False, max_length=64, allow_blank=True)
    recommendation_id = s.CharField(required=False, max_length=40, allow_blank=True)
    position = s.IntegerField(required=False, allow_null=True, min_value=0, max_value=32_767)
    consent = s.BooleanField(required=False, allow_null=True)


class EventBatch(s.Serializer[Any]):
    events = s.ListField(child=Event(), min_length=1, max_length=500)


class RejectedEvent(s.Serializer[Any]):
    index = s.IntegerField()
    event_id = s.CharField(allow_null=True)
    code = s.CharField()
    field = s.CharField(allow_blank=True)
    message = s.CharField()


class EventsAnswer(s.Serializer[Any]):
    accepted = s.IntegerField()
    duplicate = s.IntegerField()
    unjoined = s.IntegerField(help_text="Of the accepted: shopper or product not known yet.")
    rejected = RejectedEvent(many=True)


class RecommendationRequest(s.Serializer[Any]):
    shopper = s.CharField(required=False, max_length=128)
    visitor = s.CharField(required=False, max_length=128)
    placement = s.CharField(required=False, max_length=64, default="home")
    n = s.IntegerField(required=False, min_value=1, max_value=100, help_text="Default: the placement's.")
    product = s.ListField(
        child=s.CharField(max_length=128), required=False, max_length=100, help_text="Anchors: page or basket."
    )
    exclude = s.ListField(child=s.CharField(max_length=128), required=False, max_length=1000)
    filter = s.DictField(
        required=False, help_text="category, brand, price_min, price_max, or any attribute (with _min, _max)."
    )
    explain = s.BooleanField(required=False)
    as_of = s.DateTimeField(required=False, help_text="Another time, to a year ahead; keys with the scope admin.")
    record = s.BooleanField(required=False, help_text="false: a preview, never logged; keys with the scope admin.")


class RecommendationBatch(s.Serializer[Any]):
    requests = s.ListField(child=RecommendationRequest(), min_length=1, max_length=20)


class ReasonShape(s.Serializer[Any]):
    code = s.CharField()
    text = s.CharField()
    evidence = s.ListField(child=s.CharField())


class ContributionShape(s.Serializer[Any]):
    group = s.CharField()
    words = s.CharField()
    value = s.FloatField()


class TraceStep(s.Serializer[Any]):
    rule = s.IntegerField(allow_null=True, help_text="null: the placement's own setting of variety.")
    name = s.CharField()
    verb = s.CharField()
    changed = s.BooleanField()
    text = s.CharField()


class RecommendedItem(s.Serializer[Any]):
    product = s.CharField()
    position = s.IntegerField()
    score = s.FloatField(allow_null=True)
    reason = ReasonShape()
    rule = s.IntegerField(allow_null=True)
    contributions = ContributionShape(many=True, required=False)
    trace = TraceStep(many=True, required=False)


class RecommendationAnswer(s.Serializer[Any]):
    recommendation_id = s.CharField()
    placement = s.CharField()
    model_version = s.CharField(allow_null=True)
    experiment = s.CharField(
        allow_null=True, help_text="The experiment on this placement and the arm that answered, as name:a or name:b."
    )
    fallback = s.CharField(
        allow_null=True, help_text="The step of the chain that filled the list; null: the strategy itself."
    )
    degraded = s.BooleanField()
    as_of = s.DateTimeField()
    items = RecommendedItem(many=True)
    empty_because = s.CharField(required=False, help_text="Of an empty list: why.")
    method = s.CharField(required=False, help_text="With explain: how contributions were measured.")


class RecommendationsAnswer(s.Serializer[Any]):
    answers = RecommendationAnswer(many=True)


class ProductInput(s.Serializer[Any]):
    title = s.CharField(required=False, allow_null=True, allow_blank=True, max_length=500)
    category = s.CharField(required=False, allow_null=True, allow_blank=True, help_text="A path: Dairy > Milk")
    brand = s.CharField(required=False, allow_null=True, allow_blank=True, max_length=200)
    price = s.FloatField(required=False, allow_null=True, min_value=0)
    currency = s.CharField(required=False, allow_null=True, max_length=3)
    stock = s.IntegerField(required=False, allow_null=True, min_value=0, help_text="Missing: available.")
    tags = s.ListField(child=s.CharField(max_length=100), required=False, allow_null=True)
    description = s.CharField(required=False, allow_null=True, allow_blank=True)
    image_url = s.CharField(required=False, allow_null=True, allow_blank=True, max_length=1000)
    rating = s.FloatField(required=False, allow_null=True)
    rating_count = s.IntegerField(required=False, allow_null=True, min_value=0)
    hidden = s.BooleanField(required=False)
    attributes = s.DictField(required=False, help_text="Anything else; may also stand beside the other fields.")


class ProductRow(ProductInput):
    product_id = s.CharField(max_length=128)


class ProductBatch(s.Serializer[Any]):
    products = s.ListField(child=ProductRow(), min_length=1, max_length=500)


class RejectedProduct(s.Serializer[Any]):
    index = s.IntegerField()
    product_id = s.CharField(allow_null=True)
    code = s.CharField()
    field = s.CharField(allow_blank=True)
    message = s.CharField()


class ProductsAnswer(s.Serializer[Any]):
    created = s.IntegerField()
    changed = s.IntegerField()
    unchanged = s.IntegerField()
    rejected = RejectedProduct(many=True)


class ProductAnswer(ProductRow):
    available = s.BooleanField(help_text="Whether it may be in an answer: not hidden, retired or sold out.")
    retired_at = s.DateTimeField(allow_null=True)
    known = s.BooleanField(help_text="False: seen in events only.")
    updated_at = s.DateTimeField()


class ShopperInput(s.Serializer[Any]):
    age = s.CharField(required=False, allow_null=True, max_length=32, help_text="Years, or a band: 35-44")
    gender = s.CharField(required=False, allow_null=True, max_length=32)
    income = s.CharField(required=False, allow_null=True, max_length=32, help_text="A number, or a band: 50-74K")
    consent = s.BooleanField(required=False, allow_null=True)
    attributes = s.DictField(required=False)


class ShopperAnswer(ShopperInput):
    shopper = s.CharField()
    segment = s.CharField(allow_null=True)
    known = s.BooleanField()
    updated_at = s.DateTimeField()


class MergeInput(s.Serializer[Any]):
    visitor = s.CharField(max_length=128)


class MergeAnswer(s.Serializer[Any]):
    shopper = s.CharField()
    visitor = s.CharField()
    events = s.IntegerField(help_text="Events that moved to the shopper; 0 when it was merged before.")


class Live(s.Serializer[Any]):
    status = s.CharField()


class Dependency(s.Serializer[Any]):
    ok = s.BooleanField()
    detail = s.CharField()


class Ready(s.Serializer[Any]):
    status = s.ChoiceField(["ready", "degraded", "not_ready"])
    dependencies = s.DictField(child=Dependency())


class PersonalData(s.Serializer[Any]):
    id = s.CharField()
    kind = s.CharField()
    age = s.CharField(allow_null=True)
    gender = s.CharField(allow_null=True)
    income = s.CharField(allow_null=True)
    consent = s.BooleanField(allow_null=True)
    attributes = s.DictField()
    visitors = s.ListField(child=s.CharField(), help_text="Who they were before they logged in.")
    first_known_at = s.DateTimeField()
    profile = s.DictField(allow_null=True)
    lists_answered = s.ListField(child=s.DictField())
    events = s.ListField(child=s.DictField())


class FileNotSearched(s.Serializer[Any]):
    file = s.CharField()
    goes_at = s.DateTimeField()


class Receipt(s.Serializer[Any]):
    shopper = s.CharField(required=False)
    visitor = s.CharField(required=False)
    receipt = s.UUIDField()
    at = s.DateTimeField()
    complete = s.BooleanField(help_text="False: a part was away; a worker goes on by itself.")
    erased = s.DictField(child=s.IntegerField(), help_text="What, and how many.")
    remaining = s.DictField(child=s.IntegerField(), help_text="What was found when it was looked for afterwards.")
    files_not_searched = FileNotSearched(many=True, help_text="Imported files that are kept still, and until when.")
    earlier = s.ListField(child=s.UUIDField(), help_text="Receipts of who bore this id before.")
