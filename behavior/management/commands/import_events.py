"""``manage.py import_events FILE``."""

from __future__ import annotations

from behavior.imports import import_events
from catalog.import_command import ImportCommand


class Command(ImportCommand):
    help = "Import events from a CSV or Parquet file: all of it or, where a line is rejected, nothing."
    import_file = staticmethod(import_events)
