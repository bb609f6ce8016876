"""The addresses beneath /data/."""

from django.urls import URLPattern, path

from recsite.dashboard.views import data

urlpatterns: list[URLPattern] = [
    path("", data.data, name="data"),
    path("stream/", data.stream, name="data-stream"),
    path("replay/", data.replay, name="data-replay"),
    path("rejects/", data.rejects, name="data-rejects"),
    path("imports/", data.import_list, name="data-imports"),
    path("imports/new/", data.upload, name="import-upload"),
    path("imports/<int:pk>/", data.import_, name="import"),
    path("imports/<int:pk>/rejects/", data.import_rejects, name="import-rejects"),
    path("imports/<int:pk>/retry/", data.retry, name="import-retry"),
]
