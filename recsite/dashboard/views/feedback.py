from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase

from recsite.dashboard import csv_answers
from recsite.dashboard.access import permissions_of, sees
from recsite.dashboard.pages import feedback as page
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments


@sees
def feedback(request: HttpRequest, shop: Shop) -> HttpResponseBase:
    """What happened after lists were shown, or with ``?format=csv`` one of the page's tables."""
    params = request.GET.dict()
    if params.get("format") == "csv":
        return csv_answers.answer(*page.csv(params, shop))
    permissions = permissions_of(request)
    return fragments.answer(request, "feedback", page.build(params, shop, permissions=permissions))
