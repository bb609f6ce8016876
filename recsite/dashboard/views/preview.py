from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from recsite.dashboard.access import permissions_of, sees
from recsite.dashboard.pages import preview as page
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments


@sees
def preview(request: HttpRequest, shop: Shop) -> HttpResponse:
    """One list, or two side by side, of whoever and whatever the address names."""
    permissions = permissions_of(request)
    host = f"{request.scheme}://{request.get_host()}"
    found = page.build(request.GET.dict(), shop, permissions=permissions, host=host)
    return fragments.answer(request, "preview", found)
