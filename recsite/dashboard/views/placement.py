from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST

from recommender.models import Placement
from recommender.placements import Changed, Refused
from recsite.dashboard import placement_acts, placement_forms, roles
from recsite.dashboard.access import needs, permissions_of, person_of, sees
from recsite.dashboard.components import Notice
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.pages import placement as page
from recsite.dashboard.placement_acts import Overtaken
from recsite.dashboard.placement_forms import Entries, Read
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments
from recsite.dashboard.views.toasts import tell_done


@require_http_methods(["GET", "POST"])
@needs(roles.EDIT_PLACEMENTS)
def placement_new(request: HttpRequest, shop: Shop) -> HttpResponseBase:
    """The form of a new placement; posted, it is tried or (``do`` save) made."""
    if request.method == "POST":
        return _posted(request, shop, None)
    return _answer(request, shop, None, placement_forms.understood(Entries(), new=True))


@sees
def placement(request: HttpRequest, shop: Shop, slug: str) -> HttpResponseBase:
    """One placement; posted like a new one."""
    row = get_object_or_404(Placement, slug=slug)
    if request.method == "POST":
        return needs(roles.EDIT_PLACEMENTS)(lambda request, shop: _posted(request, shop, row))(request)
    return _answer(request, shop, row, placement_forms.understood(page.entries(row), new=False))


def _posted(request: HttpRequest, shop: Shop, row: Placement | None) -> HttpResponseBase:
    """Only ``do`` save writes; anything else shows what the entries would do."""
    found = placement_forms.read(request.POST, new=row is None)
    if request.POST.get("do") != "save" or fragments.htmx(request):
        return _answer(request, shop, row, found)
    if found.setup is None:
        return _answer(request, shop, row, found, tried=True, status=422)
    try:
        if row is None:
            done = placement_acts.create(slug=found.entries.slug.strip(), setup=found.setup, by=person_of(request))
        else:
            done = placement_acts.change(slug=row.slug, setup=found.setup, seen=found.seen, by=person_of(request))
    except Refused as refused:
        return _answer(request, shop, row, placement_forms.with_errors(found, refused.errors), tried=True, status=422)
    except Changed as changed:
        return _again(request, shop, found, changed.placement)
    tell_done(request, done)
    return redirect("placement", done.placement.slug if done.placement else "")


def _again(request: HttpRequest, shop: Shop, found: Read, now: Placement) -> HttpResponse:
    """Somebody was quicker: the entries stay, and saving them once more writes over what is there now."""
    entry = placement_acts.history(now.slug).first()
    who = entry.by_name if entry and entry.by_name else "Somebody"
    text = "Your entries are kept below, nothing was saved. The history shows the change; saving again replaces it."
    return _answer(
        request, shop, now, placement_forms.over(found, now.updated_at),
        notices=[Notice(f"{who} changed this placement meanwhile.", text, "warn")], status=409,
    )  # fmt: skip


@require_POST
@needs(roles.EDIT_PLACEMENTS)
def placement_delete(request: HttpRequest, shop: Shop, slug: str) -> HttpResponseBase:
    """Remove one of the shop's own; Undo brings it back."""
    row = get_object_or_404(Placement, slug=slug)
    try:
        tell_done(request, placement_acts.delete(slug=row.slug, by=person_of(request)))
    except Refused as refused:
        messages.error(request, f"Nothing was deleted: {refused}")
        return redirect("placement", slug)
    return redirect("placements")


@require_POST
@needs(roles.EDIT_PLACEMENTS)
def placement_undo(request: HttpRequest, shop: Shop, pk: int) -> HttpResponseBase:
    """Take back what the entry ``pk`` of the audit log did, unless something was done since."""
    entry = get_object_or_404(AuditEntry, pk=pk, action__startswith="placement.")
    try:
        done = placement_acts.undo(entry=entry, by=person_of(request))
    except Overtaken as overtaken:
        messages.error(request, f"Not undone: {overtaken}.")
        return redirect("placements")
    except Refused as refused:
        messages.error(request, f"Not undone: {refused}")
        return redirect("placements")
    tell_done(request, done)
    return redirect("placement", done.placement.slug) if done.placement else redirect("placements")


def _answer(
    request: HttpRequest,
    shop: Shop,
    row: Placement | None,
    found: Read,
    *,
    tried: bool = False,
    notices: list[Notice] | None = None,
    status: int = 200,
) -> HttpResponse:
    onlooker = page.read_trial(request.POST if request.method == "POST" else request.GET)
    permissions = permissions_of(request)
    made = page.build(row, found, onlooker, shop, permissions=permissions, notices=notices or (), tried=tried)
    return fragments.answer(request, "placement", made, status=status)
