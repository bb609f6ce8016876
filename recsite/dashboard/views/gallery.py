from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from recsite.dashboard.pages import gallery as page


def gallery(request: HttpRequest) -> HttpResponse:
    """Every component, for who works on the console: staff, or anyone while DEBUG is on."""
    if not (settings.DEBUG or request.user.is_staff):
        raise Http404
    return render(request, "dashboard/gallery.html", {"page": page.build(request.path)})
