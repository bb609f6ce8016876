from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from recommender import services
from recommender.models import TrainingRun
from recsite.dashboard import audit, numbers, roles, run_progress, runs
from recsite.dashboard.access import needs, permissions_of, person_of, sees
from recsite.dashboard.addresses import page as address
from recsite.dashboard.pages import model as page
from recsite.dashboard.queries import models as queries
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments
from recsite.dashboard.views.toasts import tell


@sees
def model(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    """One run."""
    run = _run(pk)
    permissions = permissions_of(request)
    return fragments.answer(request, "model", page.build(run, request.GET.dict(), permissions=permissions))


@sees
def progress(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    """How far it is, asked for every second; once it has ended the page around it is to be loaded anew."""
    run = _run(pk)
    found = run_progress.progress_of(run)
    response = render(request, found.template, {"c": found})
    if not run.is_active:
        response["HX-Refresh"] = "true"
    return response


@sees
def curves(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    """Its curves so far; 204 while no epoch was added to the ``epochs`` that the page shows."""
    run = _run(pk)
    if request.GET.get("epochs") == str(len((run.curves or {}).get("epoch", ()))):
        return HttpResponse(status=204)
    found = run_progress.live_curves(run)
    return render(request, found.template, {"c": found})


@needs(roles.RETRAIN)
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, shop: Shop, pk: int) -> HttpResponseBase:
    """Ask first (GET), then stop (POST); a run that has ended meanwhile stays as it is."""
    run = _run(pk)
    if request.method != "POST":
        return render(request, "dashboard/confirm.html", {"dialog": run_progress.stop_dialog(run, queries.serving())})
    if not run.is_active:
        messages.error(request, f"Run {pk} has ended already: {runs.STATUSES[TrainingRun.Status(run.status)].lower()}.")
        return redirect("model", pk)
    with transaction.atomic():
        run = services.stop_run(run=run)
        audit.note(by=request.user, action="model.stop", subject=f"run {pk}", detail={"step": run.step})
    stopped = run.status == TrainingRun.Status.STOPPED
    messages.success(request, f"Run {pk} was stopped." if stopped else f"Run {pk} stops at its next step.")
    return redirect("models")


@needs(roles.SWITCH_MODELS)
@require_POST
def promote(request: HttpRequest, shop: Shop, pk: int) -> HttpResponseBase:
    """Let its stored lists serve. Undo goes back to what served before, if nobody switched since."""
    run, before = _run(pk), queries.serving()
    stored = queries.stored_generation(run)
    if before and stored and before.generation == stored.pk:
        messages.success(request, f"Model {pk} serves already, since {numbers.moment(before.since)}.")
        return redirect("models")
    try:
        with transaction.atomic():
            switch = services.promote(run=run, by=person_of(request))
            detail = {"from": before.run if before else None, "switch": switch.number}
            audit.note(by=request.user, action="model.promote", subject=f"run {pk}", detail=detail)
    except services.CannotServe as error:
        messages.error(request, f"Model {pk} was not promoted: {error}.")
        return redirect("models")
    undo = address("roll-back", switch=switch.number) if before else ""
    since = numbers.moment(switch.at).rpartition(" ")[2]
    tell(request, f"Model {pk} serves since {since}.", undo)
    return redirect("models")


@needs(roles.RETRAIN)
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, shop: Shop, pk: int) -> HttpResponseBase:
    """Ask (GET), then delete the model's files and lists (POST, with the run's number typed); its figures stay."""
    run = _run(pk)
    if request.method != "POST":
        return render(request, "dashboard/confirm.html", {"dialog": page.delete_dialog(run)})
    if request.POST.get("confirm", "").strip() != str(pk):
        messages.error(request, f"Nothing was deleted: expected {pk} to be typed.")
        return redirect("model", pk)
    try:
        with transaction.atomic():
            # Noted first: files that are gone do not come back with a transaction.
            audit.note(by=request.user, action="model.delete", subject=f"run {pk}", detail={"artifact": run.artifact})
            services.delete_artifacts(run=run, by=person_of(request))
    except services.CannotDelete as error:
        messages.error(request, f"Nothing was deleted: {error}.")
        return redirect("model", pk)
    messages.success(request, f"The files of model {pk} are deleted. What was measured stays.")
    return redirect("model", pk)


def _run(pk: int) -> TrainingRun:
    return get_object_or_404(TrainingRun.objects.select_related("requested_by"), pk=pk)
