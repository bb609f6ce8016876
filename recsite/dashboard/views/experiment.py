from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from recommender.experiments import Ended
from recommender.models import Experiment, Placement
from recommender.placements import Refused
from recsite.dashboard import experiment_acts, roles
from recsite.dashboard.access import needs, permissions_of, person_of, sees
from recsite.dashboard.pages import experiment as page
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments
from recsite.dashboard.views.toasts import tell_done


@sees
def experiment(request: HttpRequest, shop: Shop, slug: str) -> HttpResponse:
    """What came of one experiment."""
    row = get_object_or_404(Experiment.objects.select_related("started_by"), slug=slug)
    return fragments.answer(request, "experiment", page.build(row, shop, permissions=permissions_of(request)))


@require_http_methods(["GET", "HEAD", "POST"])
@needs(roles.EDIT_PLACEMENTS)
def experiment_end(request: HttpRequest, shop: Shop, slug: str) -> HttpResponseBase:
    """Ask (GET), then give everybody the setup that is to be kept (POST, ``keep`` a or b)."""
    row = get_object_or_404(Experiment, slug=slug)
    keep = (request.POST if request.method == "POST" else request.GET).get("keep", "")
    if keep not in page.KEEPS:
        messages.error(request, f"Nothing was ended: expected to keep a or b, received “{keep}”.")
        return redirect("experiment", slug)
    if request.method != "POST":
        title = Placement.objects.filter(slug=row.placement).values_list("title", flat=True).first()
        dialog = page.end_dialog(row, keep, title or row.placement)
        return render(request, "dashboard/confirm.html", {"dialog": dialog})
    try:
        tell_done(request, experiment_acts.end(slug=slug, keep=keep, by=person_of(request)))
    except (Ended, Refused) as error:
        messages.error(request, f"Nothing was changed: {error}.")
    return redirect("experiment", slug)
