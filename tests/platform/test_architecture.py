"""Who may import whom, and what a web process never loads."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import unittest
from collections.abc import Iterator
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent.parent
APPS = ("recsite", "recommender", "behavior", "catalog")  # each may import those to its right
HEAVY = ("keras", "tensorflow", "jax", "torch")
SLOW_TO_LOAD = "scipy.stats"  # imported where something is measured
# Inside the engine these are where a network is built or trained; they run in the training child only.
TRAINING = ("architectures/", "network.py", "train.py")
OUTSIDE_THE_ENGINE = ("django", "celery", "kombu", "redis", "rest_framework", "psycopg", *APPS)


def sources(folder: str) -> list[Path]:
    return [path for path in sorted((BASE_DIR / folder).rglob("*.py")) if "migrations" not in path.parts]


def module_files(app: str, name: str) -> list[Path]:
    """Of ``app.name``: a file, or those of a package."""
    return [path for path in sources(app) if path.relative_to(BASE_DIR / app).parts[0] in (name, f"{name}.py")]


def imports(file: Path) -> Iterator[tuple[str, bool]]:
    """(module, whether at module level) of each import. Those for the type checker only do not count as loaded."""
    tree = ast.parse(file.read_text(), str(file))
    inside = {id(node) for scope in ast.walk(tree) if _delays(scope) for node in ast.walk(scope)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((name.name, id(node) not in inside) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(file, node)
            yield module, id(node) not in inside
            if module in (*APPS, "recommender.engine"):  # from recommender import engine
                yield from ((f"{module}.{name.name}", id(node) not in inside) for name in node.names)


def _absolute(file: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = file.relative_to(BASE_DIR).parts[: -node.level]
    return ".".join((*package, *([node.module] if node.module else [])))


def _delays(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.dump(node.test)
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def top(module: str) -> str:
    return module.split(".", 1)[0]


class Direction(unittest.TestCase):
    def test_apps_import_to_the_right_only(self) -> None:
        for position, app in enumerate(APPS):
            forbidden = APPS[:position]
            wrong = [
                f"{file.relative_to(BASE_DIR)} imports {module}"
                for file in sources(app)
                for module, _ in imports(file)
                if top(module) in forbidden
            ]
            with self.subTest(app):
                self.assertEqual(wrong, [])

    def test_the_engine_knows_no_site(self) -> None:
        wrong = [
            f"{file.relative_to(BASE_DIR)} imports {module}"
            for file in sources("recommender/engine")
            for module, _ in imports(file)
            if top(module) in OUTSIDE_THE_ENGINE and not module.startswith("recommender.engine")
        ]
        self.assertEqual(wrong, [])

    def test_inside_an_app_models_know_no_services_and_services_no_tasks(self) -> None:
        order = ("models", "queries", "services", "tasks")  # each may be imported by those to its right
        for app in APPS[1:]:
            for position, name in enumerate(order):
                later = tuple(f"{app}.{other}" for other in order[position + 1 :])
                # services may send a task; they load it when they do
                found = [
                    f"{file.relative_to(BASE_DIR)} imports {module}"
                    for file in module_files(app, name)
                    for module, at_top in imports(file)
                    if at_top and f"{module}.".startswith(tuple(f"{other}." for other in later))
                ]
                with self.subTest(f"{app}.{name}"):
                    self.assertEqual(found, [])

    def test_only_the_store_speaks_redis(self) -> None:
        others = ("recsite/testing.py", "recsite/chaos/")  # the tests' server is emptied, the drill's is frozen
        wrong = [
            f"{file.relative_to(BASE_DIR)} imports {module}"
            for app in APPS
            for file in sources(app)
            for module, _ in imports(file)
            if top(module) == "redis"
            and not str(file.relative_to(BASE_DIR)).startswith(("recommender/store/", *others))
        ]
        self.assertEqual(wrong, [])


class HeavyFrameworks(unittest.TestCase):
    def test_only_the_training_side_of_the_engine_loads_them_at_its_top(self) -> None:
        engine = BASE_DIR / "recommender" / "engine"
        wrong = [
            f"{file.relative_to(BASE_DIR)} imports {module}"
            for app in APPS
            for file in sources(app)
            for module, at_top in imports(file)
            if at_top and top(module) in HEAVY
            if not (file.is_relative_to(engine) and str(file.relative_to(engine)).startswith(TRAINING))
        ]
        self.assertEqual(wrong, [])

    def test_a_web_process_never_has_them(self) -> None:
        self.assertEqual(self.loaded("import recsite.wsgi, recsite.urls; recsite.urls.urlpatterns"), [])

    def test_a_worker_process_never_has_them(self) -> None:
        self.assertEqual(self.loaded("import recsite.celery as c; c.app.loader.import_default_modules()"), [])

    def loaded(self, code: str) -> list[str]:
        program = (
            "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'recsite.settings'\n"
            f"import django; django.setup()\n{code}\n"
            "from django.urls import get_resolver; get_resolver().url_patterns\n"
            f"import json, sys; print(json.dumps([n for n in {(*HEAVY, SLOW_TO_LOAD)!r} if n in sys.modules]))"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=BASE_DIR, capture_output=True, text=True, check=False
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return list(json.loads(done.stdout.splitlines()[-1]))


class Requirements(unittest.TestCase):
    def test_each_is_pinned(self) -> None:
        loose = [
            f"{file.name}: {line}"
            for file in BASE_DIR.glob("requirements*.txt")
            for line in file.read_text().splitlines()
            if line and not line.startswith(("#", "-r ")) and "==" not in line
        ]
        self.assertEqual(loose, [])
