from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from recsite.dashboard import csv_answers
from recsite.dashboard.access import permissions_of, sees
from recsite.dashboard.pages import overview as page
from recsite.dashboard.pages import setup
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments


def front(request: HttpRequest) -> HttpResponseBase:
    """``/``: while a first start runs its progress, before anyone can log in too; else the overview."""
    return redirect("setup") if setup.is_unfinished() else overview(request)


@sees
def overview(request: HttpRequest, shop: Shop) -> HttpResponseBase:
    """The overview of the range of days in the address."""
    params = request.GET.dict()
    if params.get("format") == "csv":
        return csv_answers.answer("overview", page.CSV_HEADER, page.csv_rows(params, shop))
    permissions = permissions_of(request)
    return fragments.answer(request, "overview", page.build(params, shop, permissions=permissions))
