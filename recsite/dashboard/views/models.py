from __future__ import annotations

from dataclasses import asdict

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST

from recommender import services
from recommender.models import TrainingRun
from recsite.dashboard import audit, csv_answers, numbers, roles
from recsite.dashboard.access import needs, permissions_of, person_of, sees
from recsite.dashboard.addresses import page as address
from recsite.dashboard.pages import model_compare
from recsite.dashboard.pages import models as page
from recsite.dashboard.pages import retrain as form
from recsite.dashboard.queries import models as queries
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments
from recsite.dashboard.views.toasts import tell


@sees
def models(request: HttpRequest, shop: Shop) -> HttpResponseBase:
    """Every run, or with ``?format=csv`` all that the filter lets through."""
    params = request.GET.dict()
    if params.get("format") == "csv":
        return csv_answers.answer("runs", page.CSV_HEADER, page.csv_rows(params))
    return fragments.answer(request, "models", page.build(params, permissions=permissions_of(request)))


@sees
def compare(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Two runs by ``?a=`` and ``?b=``; 404 where one was never measured."""
    measured = TrainingRun.objects.exclude(metrics={})
    a, b = (get_object_or_404(measured, pk=_number(request.GET.get(name, ""))) for name in ("a", "b"))
    return fragments.answer(request, "model_compare", model_compare.build(a, b, request.GET.dict()))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


@needs(roles.RETRAIN)
@require_http_methods(["GET", "HEAD", "POST"])
def retrain(request: HttpRequest, shop: Shop) -> HttpResponseBase:
    """The form, and its answer: a queued run, or the form again with what was wrong (400) or is at work (409)."""
    if request.method != "POST":
        try:
            return fragments.answer(request, "retrain", form.build(form.read_wish(request.GET.dict())))
        except form.BadWish as error:
            return fragments.answer(request, "retrain", form.build(form.Wish(), problem=str(error)), status=400)
    try:
        wish = form.read_wish(request.POST.dict())
        run = _start(request, wish)
    except form.BadWish as error:
        return fragments.answer(request, "retrain", form.build(form.Wish(), problem=str(error)), status=400)
    except services.AlreadyActive as error:
        busy = form.busy(error.run)
        return fragments.answer(request, "retrain", form.build(wish, problem=busy.title), status=409)
    stop = address("model-stop", run.pk)
    tell(request, f"Run {run.pk} is asked for since {_clock(run)}.", stop)
    return redirect("models")


def _start(request: HttpRequest, wish: form.Wish) -> TrainingRun:
    warm = TrainingRun.objects.get(pk=wish.warm) if wish.warm else None
    with transaction.atomic():
        run = services.request_training(
            by=person_of(request),
            architecture=wish.architecture,
            seed=wish.seed,
            config=form.settings_of(wish),
            warm_start=warm,
            publish=wish.publish,
        )
        detail = {name: value for name, value in asdict(wish).items() if value is not None}
        audit.note(by=request.user, action="model.retrain", subject=f"run {run.pk}", detail=detail)
    return run


def _clock(run: TrainingRun) -> str:
    return numbers.moment(run.created_at).rpartition(" ")[2]


@needs(roles.SWITCH_MODELS)
@require_POST
def roll_back(request: HttpRequest, shop: Shop) -> HttpResponseBase:
    """Let what served before serve again. With ``switch`` (a number) only if that one still serves: an Undo that is
    pressed late must not take back what somebody else did since."""
    expected = request.POST.get("switch") or request.GET.get("switch") or ""
    before = queries.serving()
    if before and expected and expected != str(before.switch):
        messages.error(request, f"Not rolled back: model {before.run} was put in place since.")
        return redirect("models")
    try:
        with transaction.atomic():
            switch = services.roll_back(by=person_of(request))
            run = switch.generation.run_id
            detail = {"from": before.run if before else None, "to": run, "switch": switch.number}
            audit.note(by=request.user, action="model.roll_back", subject=f"run {run}", detail=detail)
    except services.CannotServe as error:
        messages.error(request, f"Not rolled back: {error}.")
        return redirect("models")
    undo = address("roll-back", switch=switch.number)
    text = f"Model {run} serves again since {numbers.moment(switch.at).rpartition(' ')[2]}."
    tell(request, text, undo)
    return redirect("models")
