"""Django's admin, through the console's own door and with its changes in the console's audit log."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from recsite.dashboard import audit


class ConsoleAdmin(AdminSite):
    """The admin site. A form that changed something is one entry, ``admin.change``, with its address."""

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.user.is_authenticated:
            raise PermissionDenied("needs a member of the staff")
        return redirect_to_login(request.GET.get("next") or request.get_full_path())

    def admin_view(  # type: ignore[override]  # the stub's name for a view is its own
        self, view: Callable[..., Any], cacheable: bool = False
    ) -> Callable[..., Any]:
        @wraps(view)
        def noted(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if request.method != "POST":
                return view(request, *args, **kwargs)
            with transaction.atomic():
                answer = view(request, *args, **kwargs)
                if (
                    answer.status_code == 302
                ):  # Django redirects after what it has saved, and shows a refused form again
                    audit.note(by=request.user, action="admin.change", subject=request.path[:200])
            return answer

        return super().admin_view(noted, cacheable)
