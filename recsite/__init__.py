"""The site: settings, processes, and the two faces (API and dashboard)."""

from recsite.celery import app as celery_app

__all__ = ["celery_app"]
