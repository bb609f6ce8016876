from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST

from recommender import schedule
from recsite.dashboard import roles, schedule_acts
from recsite.dashboard.access import needs, permissions_of, person_of, require, sees
from recsite.dashboard.addresses import page as address
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.pages import model_schedule as page
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments
from recsite.dashboard.views.toasts import tell


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
        "shadow": request.POST.get("shadow", ""),
    }
    try:
        plan = page.read_form(typed, schedule.read(), shop)
        entry = schedule_acts.change(plan=plan, by=person_of(request))
    except page.BadForm as error:
        return _again(request, shop, typed, error.errors)
    except schedule.BadPlan as error:
        return _again(request, shop, typed, {error.field: error.message})
    if entry is None:
        messages.info(request, "Nothing was different, so nothing was changed.")
    else:
        undo = address("model-schedule-undo", entry.pk)
        tell(request, f"Saved. {page.next_words(schedule.read())}", undo)
    return redirect("model-schedule")


@require_POST
@needs(roles.RETRAIN)
def undo_model_schedule(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    """Back to what was before one change of schedule, triggers or margins."""
    entry = get_object_or_404(AuditEntry, pk=pk, action=schedule_acts.CHANGED)
    if schedule_acts.undo(entry=entry, by=person_of(request)):
        messages.success(request, f"Undone. {page.next_words(schedule.read())}")
    else:
        messages.error(request, "The schedule was changed since, so nothing was undone.")
    return redirect("model-schedule")


def _again(request: HttpRequest, shop: Shop, typed: dict[str, object], errors: dict[str, str]) -> HttpResponse:
    found = page.build(shop, permissions=permissions_of(request), typed=typed, errors=errors)
    return fragments.answer(request, "model_schedule", found, status=422)
