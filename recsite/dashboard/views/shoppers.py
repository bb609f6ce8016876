from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase

from recsite.dashboard import csv_answers
from recsite.dashboard.access import sees
from recsite.dashboard.pages import shoppers as page
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments


@sees
def shoppers(request: HttpRequest, shop: Shop) -> HttpResponseBase:
    """The list of shoppers, or with ``?format=csv`` all that the filter lets through."""
    params = request.GET.dict()
    if params.get("format") == "csv":
        return csv_answers.answer("shoppers", page.CSV_HEADER, page.csv_rows(params))
    return fragments.answer(request, "shoppers", page.build(params, shop))
