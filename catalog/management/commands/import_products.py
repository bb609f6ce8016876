"""``manage.py import_products FILE``."""

from __future__ import annotations

from catalog.import_command import ImportCommand
from catalog.imports import import_products


class Command(ImportCommand):
    help = "Import products from a CSV or Parquet file: all of it or, where a line is rejected, nothing."
    import_file = staticmethod(import_products)
