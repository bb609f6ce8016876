from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase

from recsite.dashboard import csv_answers, roles
from recsite.dashboard.access import needs, permissions_of
from recsite.dashboard.pages.settings import audit_log as page
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments


@needs(roles.SEE_AUDIT)
def audit_log(request: HttpRequest, shop: Shop) -> HttpResponseBase:
    """The log; with ``?check=1`` also a walk along its seals. ``?format=csv``: all that the filter lets through."""
    params = request.GET.dict()
    if params.get("format") == "csv":
        return csv_answers.answer("audit-log", page.CSV_HEADER, page.csv_rows(params, shop))
    return fragments.answer(request, "settings_audit", page.build(params, shop, permissions_of(request)))
