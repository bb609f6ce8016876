from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from recommender import schedule
from recommender.schedule import Plan
from recsite.dashboard import audit, roles
from recsite.dashboard.access import permissions_of, require, sees
from recsite.dashboard.pages import model_schedule as page
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments


@require_http_methods(["GET", "HEAD", "POST"])
@sees
def model_schedule(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The plan; sent back by who may retrain, it is in force at once (422: the form with what was wrong)."""
    if request.method != "POST":
        return fragments.answer(request, "model_schedule", page.build(shop, permissions=permissions_of(request)))
    require(request, roles.RETRAIN)
    typed: dict[str, object] = {
        **request.POST.dict(),
        "weekdays": request.POST.getlist("weekdays"),
        "enabled": request.POST.get("enabled", ""),
    }
    try:
        plan = _save(request, page.read_form(typed, schedule.read(), shop))
    except page.BadForm as error:
        return _again(request, shop, typed, error.errors)
    except schedule.BadPlan as error:
        return _again(request, shop, typed, {error.field: error.message})
    messages.success(request, f"Saved. {page.next_words(plan)}")
    return redirect("model-schedule")


def _save(request: HttpRequest, plan: Plan) -> Plan:
    with transaction.atomic():
        before, after = schedule.read(), schedule.save(plan=plan)
        detail = {"before": page.plan_json(before), "after": page.plan_json(after)}
        audit.note(by=request.user, action="schedule.change", subject="schedule", detail=detail)
    return after


def _again(request: HttpRequest, shop: Shop, typed: dict[str, object], errors: dict[str, str]) -> HttpResponse:
    found = page.build(shop, permissions=permissions_of(request), typed=typed, errors=errors)
    return fragments.answer(request, "model_schedule", found, status=422)
