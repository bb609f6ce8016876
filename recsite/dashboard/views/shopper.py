from __future__ import annotations

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect

from behavior.models import Shopper
from recsite.dashboard import csv_answers
from recsite.dashboard.access import permissions_of, sees
from recsite.dashboard.addresses import shopper_url
from recsite.dashboard.pages import shopper as page
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments
from recsite.personal_data import known_of


@sees
def shopper(request: HttpRequest, shop: Shop, external_id: str) -> HttpResponseBase:
    """One shopper by the shop's own id."""
    return _one(request, shop, Shopper.Kind.SHOPPER, external_id)


@sees
def visitor(request: HttpRequest, shop: Shop, external_id: str) -> HttpResponseBase:
    """One visitor; one that logged in since is shown as the shopper they became."""
    return _one(request, shop, Shopper.Kind.VISITOR, external_id)


def _one(request: HttpRequest, shop: Shop, kind: str, external_id: str) -> HttpResponseBase:
    rows = Shopper.objects.select_related("profile", "merged_into")
    found = get_object_or_404(rows, kind=kind, external_id=external_id)
    if found.merged_into is not None:
        return redirect(shopper_url(found.merged_into))
    params = request.GET.dict()
    if params.get("format") == "csv":
        return csv_answers.answer(f"shopper-{found.pk}", page.CSV_HEADER, page.csv_rows(found))
    if params.get("format") == "json":
        body = orjson.dumps(known_of(found), option=orjson.OPT_INDENT_2)
        disposition = f'attachment; filename="shopper-{found.pk}.json"'
        return HttpResponse(body, content_type="application/json", headers={"Content-Disposition": disposition})
    return fragments.answer(request, "shopper", page.build(found, params, shop, permissions=permissions_of(request)))
