from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from recommender import services
from recommender.models import Tuning
from recsite.dashboard import audit, roles
from recsite.dashboard.access import needs, permissions_of, person_of, require, sees
from recsite.dashboard.pages import tuning as page
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments


@require_http_methods(["GET", "HEAD", "POST"])
@sees
def tuning(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The newest search; a POST starts one (422: the form with what was wrong; 409: one is at work)."""
    if request.method != "POST":
        return fragments.answer(request, "tuning", page.build(permissions=permissions_of(request)))
    require(request, roles.RETRAIN)
    typed = {**request.POST.dict(), "architectures": request.POST.getlist("architectures")}
    try:
        trials, names = page.read_form(typed)
        started = _start(request, trials, names)
    except page.BadWish as error:
        found = page.build(permissions=permissions_of(request), typed=typed, errors=error.errors)
        return fragments.answer(request, "tuning", found, status=422)
    except services.AlreadyActive as error:
        messages.error(request, f"One search is made at a time: {error}.")
        return fragments.answer(request, "tuning", page.build(permissions=permissions_of(request)), status=409)
    messages.success(request, f"Search {started.pk} of {trials} trials is asked for.")
    return redirect("tuning")


def _start(request: HttpRequest, trials: int, names: list[str]) -> Tuning:
    with transaction.atomic():
        found = services.request_tuning(trials=trials, architectures=names, by=person_of(request))
        detail = {"trials": trials, "architectures": names}
        audit.note(by=request.user, action="tuning.start", subject=f"tuning {found.pk}", detail=detail)
    return found


@sees
def tuning_progress(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    """How far it is; the page is to be loaded anew once it has ended, or more than the ``done`` trials were told."""
    found = get_object_or_404(Tuning, pk=pk)
    progress = page.progress_of(found)
    response = render(request, progress.template, {"c": progress})
    if not found.is_active or request.GET.get("done") != str(found.trials_done):
        response["HX-Refresh"] = "true"
    return response


@require_POST
@needs(roles.RETRAIN)
def stop_tuning(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    """Stop a search; what it found stays."""
    found = get_object_or_404(Tuning, pk=pk)
    if not found.is_active:
        messages.error(request, f"Search {pk} has ended already.")
        return redirect("tuning")
    with transaction.atomic():
        found = services.stop_tuning(tuning=found)
        detail = {"trials_done": found.trials_done}
        audit.note(by=request.user, action="tuning.stop", subject=f"tuning {pk}", detail=detail)
    messages.success(request, f"Search {pk} stops. What it found stays.")
    return redirect("tuning")
