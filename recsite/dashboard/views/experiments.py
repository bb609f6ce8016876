from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from recommender import experiments as services
from recommender.models import Experiment, Placement
from recommender.placements import Refused
from recsite.dashboard import experiment_acts, experiment_forms, roles
from recsite.dashboard.access import needs, permissions_of, person_of, sees
from recsite.dashboard.experiment_forms import Read
from recsite.dashboard.pages import experiment_new as new_page
from recsite.dashboard.pages import experiments as page
from recsite.dashboard.pages import placement as placement_page
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments
from recsite.dashboard.views.toasts import tell


@sees
def experiments(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Every experiment, those that run first."""
    made = page.build(request.GET.dict(), shop, permissions=permissions_of(request))
    return fragments.answer(request, "experiments", made)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(roles.EDIT_PLACEMENTS)
def experiment_new(request: HttpRequest, shop: Shop) -> HttpResponseBase:
    """The form of an experiment on ``?placement=``; posted, both lists are shown or (``do`` start) it is started."""
    free = _free()
    asked = request.GET.get("placement", "")
    if not asked and free:
        return _form(request, shop, free[0], free)
    placement = get_object_or_404(Placement, slug=asked) if asked else None
    if placement is not None and (placement in free or request.method == "POST"):
        return _form(request, shop, placement, free)
    return _occupied(request, placement)


def _free() -> list[Placement]:
    """Where an experiment can be started: active and none runs. One query."""
    running = Experiment.objects.filter(status=Experiment.Status.RUNNING).values("placement")
    return list(Placement.objects.filter(is_active=True).exclude(slug__in=running))


def _occupied(request: HttpRequest, placement: Placement | None) -> HttpResponseBase:
    """Why none can be started here, said where one is led instead."""
    running = services.running_on(placement.slug) if placement else None
    if placement is None:
        messages.error(request, "An experiment runs on every placement that is on: end one of them first.")
        return redirect("experiments")
    if running is None:
        messages.error(request, f"“{placement.title}” is switched off: nobody would see either setup.")
        return redirect("placement", placement.slug)
    messages.error(request, f"This one runs on “{placement.title}” already: one at a time.")
    return redirect("experiment", running.slug)


def _form(request: HttpRequest, shop: Shop, placement: Placement, free: list[Placement]) -> HttpResponseBase:
    if request.method != "POST":
        return _answer(request, shop, placement, free, experiment_forms.fresh(placement))
    found = experiment_forms.read(request.POST, placement)
    if request.POST.get("do") != "start" or fragments.htmx(request):
        return _answer(request, shop, placement, free, found)
    try:
        started = _start(request, placement, found)
    except Refused as refused:
        found = experiment_forms.with_errors(found, refused.errors)
        return _answer(request, shop, placement, free, found, tried=True, status=422)
    tell(request, f"“{started.title}” runs: {started.share} % of the shoppers get B from their next request on.")
    return redirect("experiment", started.slug)


def _start(request: HttpRequest, placement: Placement, found: Read) -> Experiment:
    """Raises ``Refused`` with everything that is wrong, of setup B and of the rest."""
    if found.setup is None:
        raise Refused(found.errors)
    typed = found.entries
    return experiment_acts.start(
        slug=experiment_forms.name_of(typed), title=typed.title, placement=placement.slug, share=found.share,
        goal=typed.goal, setup=found.setup, by=person_of(request),
    )  # fmt: skip


def _answer(
    request: HttpRequest,
    shop: Shop,
    placement: Placement,
    free: list[Placement],
    found: Read,
    *,
    tried: bool = False,
    status: int = 200,
) -> HttpResponse:
    onlooker = placement_page.read_trial(request.POST if request.method == "POST" else request.GET)
    made = new_page.build(placement, free, found, onlooker, shop, tried=tried)
    return fragments.answer(request, "experiment_new", made, status=status)
