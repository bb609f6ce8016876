"""``GET`` and ``POST /api/v1/recommendations``: parse, ``serve.recommend``, answer. No SQL on the way."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

from recommender import serve
from recsite.api import asking, patience, rendering, serializers, sight
from recsite.api.errors import not_found
from recsite.api.keys import Key
from recsite.api.models import ApiKey
from recsite.api.views.base import ApiView, body, items, owner_only
from recsite.api.views.events import source_of

MAX_REQUESTS = 20


def _parameter(name: str, kind: Any, text: str, *, many: bool = False, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, {"type": "array", "items": kind} if many else kind, description=text, **more)


TEXT = {"type": "string", "maxLength": 128, "minLength": 1}
PARAMETERS = [
    _parameter("shopper", TEXT, "The shop's id; for secret keys."),
    _parameter("visitor", TEXT, "A browser that is not logged in."),
    _parameter("placement", {"type": "string", "default": "home"}, "home, similar, bought-together, basket …"),
    _parameter("n", {"type": "integer", "minimum": 1, "maximum": 100}, "Default: the placement's."),
    _parameter("product", TEXT, "Anchors: the product page or the basket. Repeatable.", many=True),
    _parameter("exclude", TEXT, "Products to leave out. Repeatable.", many=True),
    _parameter(
        "filter",
        {"type": "object", "additionalProperties": {"type": "string"}},
        "filter[category]=Dairy, filter[price_max]=5, any attribute.",
        style="deepObject",
        explode=True,
    ),
    _parameter("explain", OpenApiTypes.BOOL, "Adds contributions, the trace of rules and the method."),
    _parameter("as_of", OpenApiTypes.DATETIME, "Another time, to a year ahead; for secret keys with the scope admin."),
    _parameter("record", OpenApiTypes.BOOL, "false: never logged; for secret keys with the scope admin."),
]


class RecommendationsView(ApiView):
    waits_for_postgres = False
    scopes = {"GET": ApiKey.Scope.RECOMMENDATIONS_READ, "POST": ApiKey.Scope.RECOMMENDATIONS_READ}

    @extend_schema(
        operation_id="get_recommendations",
        parameters=PARAMETERS,
        responses={200: serializers.RecommendationAnswer, **serializers.refusals(400, 401, 403, 404, 429)},
        tags=["recommendations"],
    )
    def get(self, request: HttpRequest, key: Key | None) -> HttpResponse:
        """One list. An unknown shopper, an empty basket or a part that is ill is a normal case with an answer."""
        caller = owner_only(key)
        wanted = asking.from_query(request.GET, caller, source=source_of(request, caller))
        return rendering.json_response(_answer(wanted))

    @extend_schema(
        operation_id="post_recommendations",
        request=serializers.RecommendationBatch,
        responses={
            200: serializers.RecommendationsAnswer,
            **serializers.refusals(400, 401, 403, 404, 413, 415, 429),
        },
        tags=["recommendations"],
    )
    def post(self, request: HttpRequest, key: Key | None) -> HttpResponse:
        """The lists of a whole page, in order; no product is shown twice on it."""
        caller = owner_only(key)
        source = source_of(request, caller)
        wanted = [
            asking.from_values(values, caller, source=source)
            for values in items(body(request), "requests", most=MAX_REQUESTS)
        ]
        return rendering.json_response({"answers": _page(wanted)})


def _page(wanted: list[serve.Request]) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = []
    shown: dict[str, None] = {}
    for one in wanted:
        answer = _answer(replace(one, exclude=tuple(dict.fromkeys((*one.exclude, *shown)))))
        shown.update(dict.fromkeys(item["product"] for item in answer["items"]))
        answers.append(answer)
    return answers


def _answer(wanted: serve.Request) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        # Only a past moment is looked up in Postgres.
        answer = serve.recommend(wanted) if wanted.as_of is None else patience.run(lambda: serve.recommend(wanted))
    except serve.UnknownPlacement as unknown:
        raise not_found(str(unknown), field="placement") from None
    sight.note_answer(wanted.placement, answer.fallback, answer.degraded, time.perf_counter() - started)
    return answer.to_dict()
