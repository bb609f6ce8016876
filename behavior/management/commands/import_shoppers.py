"""``manage.py import_shoppers FILE``."""

from __future__ import annotations

from behavior.imports import import_shoppers
from catalog.import_command import ImportCommand


class Command(ImportCommand):
    help = "Import shoppers from a CSV or Parquet file: all of it or, where a line is rejected, nothing."
    import_file = staticmethod(import_shoppers)
