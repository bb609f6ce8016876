"""The first command of a new shop finds an empty database."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import TestCase
from psycopg import sql

from catalog.tables import ensure_tables

ROOT = Path(__file__).resolve().parent.parent.parent
EMPTY = "empty_shop"


def admin() -> psycopg.Connection:
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


class EmptyDatabase(TestCase):
    def test_gets_its_tables_from_the_first_command(self) -> None:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(EMPTY))
        with admin() as server:
            server.execute(drop)
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(EMPTY)))
        try:
            address = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{EMPTY}").geturl()
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "products.csv"
                file.write_text("product_id\n1\n")
                done = subprocess.run(
                    [sys.executable, "manage.py", "import_products", str(file)],
                    cwd=ROOT,
                    env={**os.environ, "DATABASE_URL": address},
                    capture_output=True,
                    text=True,
                    timeout=300,
                )
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stdout, "tables are made first(.|\n)*1 stored")
        finally:
            with admin() as server:
                server.execute(drop)


class OldDatabase(TestCase):
    def test_is_refused_with_what_to_do(self) -> None:
        MigrationRecorder.Migration.objects.using(connection.alias).filter(app="behavior").latest("id").delete()
        for command in (("import_products", "x.csv"), ("train",), ("export_recommendations", "--out", "x.csv")):
            with self.subTest(command), self.assertRaisesRegex(CommandError, "first behavior .* Run manage.py migrate"):
                call_command(*command)

    def test_a_new_one_is_left_alone(self) -> None:
        said: list[str] = []
        ensure_tables(said.append)
        self.assertEqual(said, [])
