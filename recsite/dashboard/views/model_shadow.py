from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from recommender import services
from recommender.models import TrainingRun
from recsite.dashboard import model_acts, roles
from recsite.dashboard.access import needs, person_of
from recsite.dashboard.model_acts import Overtaken
from recsite.dashboard.shop import Shop
from recsite.dashboard.views.toasts import tell_done


@needs(roles.SWITCH_MODELS)
@require_POST
def put_in_shadow(request: HttpRequest, shop: Shop, pk: int) -> HttpResponseBase:
    """Score a run beside what serves; with ``instead_of``, as Undo sends it, only while that run is in shadow."""
    run = get_object_or_404(TrainingRun, pk=pk)
    expected = request.POST.get("instead_of") or request.GET.get("instead_of") or ""
    try:
        done = model_acts.put_in_shadow(
            run=run,
            by=person_of(request),
            instead_of=int(expected) if expected.isascii() and expected.isdigit() else None,
        )
    except (services.CannotShadow, Overtaken) as error:
        messages.error(request, f"Model {pk} was not put in shadow: {error}")
        return redirect("model", pk)
    tell_done(request, done)
    return redirect("model", pk)


@needs(roles.SWITCH_MODELS)
@require_POST
def take_out_of_shadow(request: HttpRequest, shop: Shop, pk: int) -> HttpResponseBase:
    """Score it no more; a run that is not in shadow stays as it is."""
    run = get_object_or_404(TrainingRun, pk=pk)
    try:
        done = model_acts.take_out_of_shadow(run=run, by=person_of(request))
    except Overtaken as error:
        messages.error(request, f"Nothing was changed. {error}")
        return redirect("model", pk)
    tell_done(request, done)
    return redirect("model", pk)
