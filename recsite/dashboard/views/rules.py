from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from recommender.acceptance import CannotAccept
from recsite.dashboard import csv_answers, roles, rule_acts
from recsite.dashboard.access import needs, permissions_of, person_of, sees
from recsite.dashboard.pages import rule_terms as terms
from recsite.dashboard.pages import rules as page
from recsite.dashboard.pages import rules_history
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments
from recsite.dashboard.views.toasts import tell_done


@sees
def rules(request: HttpRequest, shop: Shop) -> HttpResponseBase:
    """The table, or with ``?format=csv`` all that the filter lets through."""
    params = request.GET.dict()
    if params.get("format") == "csv":
        return csv_answers.answer("rules", page.CSV_HEADER, page.csv_rows(params, shop))
    permissions = permissions_of(request)
    return fragments.answer(request, "rules", page.build(params, shop, permissions=permissions))


@sees
def history(request: HttpRequest, shop: Shop) -> HttpResponseBase:
    """What was done to all rules."""
    return render(request, "dashboard/rules_history.html", {"page": rules_history.build(request.GET.dict(), shop)})


@sees
def rule_terms(request: HttpRequest, shop: Shop) -> HttpResponseBase:
    """Categories, brands or tags (``of``) as one types, for a rule's condition."""
    params = request.GET.dict()
    found = terms.find(params.get("of", ""), params.get("q", ""), box=params.get("id", ""))
    return render(request, found.template, {"c": found})


@require_POST
@needs(roles.EDIT_RULES)
def bulk(request: HttpRequest, shop: Shop, do: str) -> HttpResponseBase:
    """Pause or resume the chosen rules; Undo names them in the address."""
    chosen = request.POST.getlist("rule") or request.GET.getlist("rule")
    ids = [int(one) for one in chosen if one.isdigit()]
    if not ids:
        messages.info(request, "No rule was chosen: tick some first.")
        return redirect("rules")
    tell_done(request, rule_acts.set_many(do=do, rule_ids=ids, by=person_of(request)))
    return redirect("rules")


@require_POST
@needs(roles.EDIT_RULES)
def overlap_accept(request: HttpRequest, shop: Shop, code: str, ids: tuple[int, ...]) -> HttpResponseBase:
    """These rules overlap because somebody means it."""
    try:
        tell_done(request, rule_acts.accept(code=code, rule_ids=ids, by=person_of(request)))
    except CannotAccept as refused:
        messages.error(request, f"Nothing was changed: {refused}")
    return redirect("rules")


@require_POST
@needs(roles.EDIT_RULES)
def overlap_withdraw(request: HttpRequest, shop: Shop, code: str, ids: tuple[int, ...]) -> HttpResponseBase:
    """Name the overlap again."""
    tell_done(request, rule_acts.withdraw(code=code, rule_ids=ids, by=person_of(request)))
    return redirect("rules")
