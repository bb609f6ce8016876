"""The tables that a command needs: made in an empty database, asked for in one that is behind the code."""

from __future__ import annotations

from collections.abc import Callable

from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def ensure_tables(say: Callable[[str], object]) -> None:
    """Make the tables of an empty database and ``say`` so. Raises ``CommandError`` for one that is behind."""
    executor = MigrationExecutor(connection)
    to_come = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not to_come:
        return
    if executor.loader.applied_migrations:
        first = to_come[0][0]
        raise CommandError(
            f"expected a database that is as new as the code; {len(to_come)} migrations are to come, first "
            f"{first.app_label} {first.name}. Run manage.py migrate."
        )
    say("The database is empty: its tables are made first.")
    call_command("migrate", interactive=False, verbosity=0)
