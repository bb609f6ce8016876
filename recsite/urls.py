"""Every address of the site."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from recsite import metrics
from recsite.dashboard.views.log_in import LogIn, LogOut, SetPassword, log_in_code

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("metrics", metrics.view, name="metrics"),
    path("login/", LogIn.as_view(), name="login"),
    path("login/code/", log_in_code, name="login-code"),
    path("logout/", LogOut.as_view(), name="logout"),
    path("password/<uidb64>/<token>/", SetPassword.as_view(), name="set-password"),
    path("api/v1/", include("recsite.api.urls")),
    path("", include("recsite.dashboard.urls")),
]
