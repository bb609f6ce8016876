"""The yardstick of HTTP: a bare DRF ``APIView`` with a constant, without authentication, throttle or middleware."""

from __future__ import annotations

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import path

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        MIDDLEWARE=[],
        INSTALLED_APPS=["rest_framework"],
        REST_FRAMEWORK={
            "DEFAULT_AUTHENTICATION_CLASSES": [],
            "DEFAULT_PERMISSION_CLASSES": [],
            "UNAUTHENTICATED_USER": None,
        },
        SECRET_KEY="a constant needs none",
    )
    django.setup()

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class Constant(APIView):
    def get(self, request: Request) -> Response:
        return Response({"status": "constant"})


urlpatterns = [path("constant", Constant.as_view())]
application = get_wsgi_application()
