from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from behavior.event_types import EventTypeRefused, change_event_type, declare_event_type
from behavior.models import EventType
from recsite.dashboard import audit, roles
from recsite.dashboard.access import needs, permissions_of
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.pages.settings import event_types as page
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments
from recsite.dashboard.views.toasts import tell

CHANGED = "event_type.change"


@needs(roles.EDIT_EVENT_TYPES)
def event_types(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The declared types with their weights and counts."""
    return fragments.answer(request, "settings_event_types", page.build(permissions_of(request)))


@require_http_methods(["GET", "HEAD", "POST"])
@needs(roles.EDIT_EVENT_TYPES)
def new_event_type(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The form of a new type; sent back, the API takes it at once."""
    if request.method != "POST":
        return fragments.answer(request, "settings_event_type", page.build_one(None, permissions_of(request)))
    wish = page.read_form(request.POST.dict())
    try:
        with transaction.atomic():
            made = declare_event_type(name=wish.name, weight=wish.number, is_target=wish.is_target)
            detail = {"weight": made.weight, "success": made.is_target}
            audit.note(by=request.user, action="event_type.declare", subject=made.name, detail=detail)
    except EventTypeRefused as error:
        return _refused(request, None, wish, error)
    messages.success(request, f"“{made.name}” is declared. Events of it are taken from now on.")
    return redirect("settings-event-types")


@require_http_methods(["GET", "HEAD", "POST"])
@needs(roles.EDIT_EVENT_TYPES)
def event_type(request: HttpRequest, shop: Shop, name: str) -> HttpResponse:
    """The form of one type; sent back, its weight counts from the next training on."""
    found = get_object_or_404(EventType, name=name)
    if request.method != "POST":
        return fragments.answer(request, "settings_event_type", page.build_one(found, permissions_of(request)))
    wish = page.read_form(request.POST.dict(), name=name)
    try:
        entry = _change(request, name, wish.number, wish.is_target)
    except EventTypeRefused as error:
        return _refused(request, found, wish, error)
    if entry is None:
        messages.info(request, "Nothing was different, so nothing was changed.")
    else:
        undo = reverse("settings-event-type-undo", args=[entry.pk])
        tell(request, f"“{name}” is changed from the next training on.", undo)
    return redirect("settings-event-types")


@require_POST
@needs(roles.EDIT_EVENT_TYPES)
def undo_event_type(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    """Back to what was before one change, unless somebody changed the type since."""
    entry = get_object_or_404(AuditEntry, pk=pk, action=CHANGED)
    before, after = entry.detail["before"], entry.detail["after"]
    now = EventType.objects.filter(name=entry.subject, weight=after["weight"], is_target=after["success"])
    if not now.exists():
        messages.error(request, f"Somebody changed “{entry.subject}” since, so nothing was undone.")
        return redirect("settings-event-types")
    try:
        _change(request, entry.subject, before["weight"], before["success"])
        messages.success(request, f"Undone: “{entry.subject}” is as it was before.")
    except EventTypeRefused as error:
        messages.error(request, f"Not undone: {error}.")
    return redirect("settings-event-types")


def _change(request: HttpRequest, name: str, weight: float, is_target: bool) -> AuditEntry | None:
    with transaction.atomic():
        before = change_event_type(name=name, weight=weight, is_target=is_target)
        if before == (weight, is_target):
            return None
        detail = {
            "before": {"weight": before[0], "success": before[1]},
            "after": {"weight": weight, "success": is_target},
        }
        return audit.note(by=request.user, action=CHANGED, subject=name, detail=detail)


def _refused(request: HttpRequest, row: EventType | None, wish: page.Wish, error: EventTypeRefused) -> HttpResponse:
    errors = {error.field: str(error)}
    form = page.build_one(row, permissions_of(request), wish=wish, errors=errors)
    return fragments.answer(request, "settings_event_type", form, status=422)
