from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class RecsiteConfig(AppConfig):
    name = "recsite"

    def ready(self) -> None:
        # Every Django process sends its tasks by this application. It is loaded here, not in recsite/__init__.py,
        # so that the keeper of the embedded servers stays a small process without Celery in it.
        from recsite import celery  # noqa: F401


class ConsoleAdminConfig(AdminConfig):
    default_site = "recsite.admin_site.ConsoleAdmin"
