"""A ranker on disk: ``weights.npz`` (plain arrays, no pickle) beside a readable ``meta.json``.

Written aside, synced, renamed; checked by SHA-256 before it is read. Any frozen dataclass of the engine made
of arrays, numbers, names and other such dataclasses is stored by its fields, so that a new table needs no
code here. Reading never imports a training framework.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from recommender.engine.config import Config
from recommender.engine.ranker import Ranker
from recommender.engine.towers import OtherTowers

#: Raised whenever a stored field changes its meaning.
SCHEMA = 1
WEIGHTS, META = "weights.npz", "meta.json"
_HOME = __name__.rpartition(".")[0] + "."


class ArtifactError(Exception):
    """The files are not those of a model that this code can read."""

    def __init__(self, expected: str, received: str) -> None:
        super().__init__(f"expected {expected}, received {received}")
        self.expected, self.received = expected, received


def save(ranker: Ranker, folder: Path, meta: Mapping[str, Any]) -> str:
    """Write ``ranker`` into ``folder`` (replacing what was there) and return its SHA-256.

    ``meta``: what the caller wants kept, JSON-able; ``items`` are the shop's ids by code.
    """
    folder = Path(folder)
    arrays: dict[str, np.ndarray] = {}
    spec = _packed(ranker, "ranker", arrays)
    aside = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    with (aside / WEIGHTS).open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
        file.flush()
        os.fsync(file.fileno())
    digest = _digest(aside / WEIGHTS)
    towers = ranker.tables.towers
    told = {"towers": None if towers is None else towers.told()}
    content = {**meta, **told, "schema": SCHEMA, "weights_sha256": digest, "model": spec}
    with (aside / META).open("w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    folder.mkdir(parents=True, exist_ok=True)
    # weights first: a reader that sees the new meta.json finds the weights that it names
    for name in (WEIGHTS, META):
        os.replace(aside / name, folder / name)
    aside.rmdir()
    _sync(folder)
    return _digest(folder / META)


def load(folder: Path, *, sha256: str | None) -> Ranker:
    """The ranker of ``folder``; raises :class:`ArtifactError` when it is missing, cut short, of another
    schema or not the one that ``sha256`` (from :func:`save`) names."""
    folder = Path(folder)
    for name in (WEIGHTS, META):
        if not (folder / name).is_file():
            raise ArtifactError(f"the file {name} in {folder}", "none")
    found = _digest(folder / META)
    if sha256 is not None and found != sha256:
        raise ArtifactError(f"{META} with SHA-256 {sha256}", found)
    meta = read_meta(folder)
    if (weights := _digest(folder / WEIGHTS)) != meta.get("weights_sha256"):
        raise ArtifactError(f"{WEIGHTS} with SHA-256 {meta.get('weights_sha256')}", weights)
    try:
        with np.load(folder / WEIGHTS, allow_pickle=False) as stored:
            ranker = _unpacked(meta["model"], stored)
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"the arrays that {META} names", repr(error)) from error
    if not isinstance(ranker, Ranker):
        raise ArtifactError("a Ranker", type(ranker).__name__)
    _require_towers(ranker, meta)
    # Read from their cache, or compiled, with the model and not inside the first request.
    for compiled in ("folding", "kernels", "elementwise"):
        importlib.import_module(_HOME + compiled)
    return Ranker(
        **{**{f.name: getattr(ranker, f.name) for f in fields(ranker)}, "items": tuple(meta.get("items", ()))}
    )


def _require_towers(ranker: Ranker, meta: Mapping[str, Any]) -> None:
    """The towers are those that the meta tells of; a model made before there were any tells of none."""
    towers, named = ranker.tables.towers, meta.get("towers")
    if towers is None and named is not None:
        raise ArtifactError(f"towers of schema {named.get('schema')}", "none")
    if towers is None:
        return
    try:
        towers.require(ranker.tables.n)
    except OtherTowers as error:
        raise ArtifactError("towers that this code can read", str(error)) from error
    if named != towers.told():
        raise ArtifactError(f"the towers {named}", str(towers.told()))


def read_meta(folder: Path) -> dict[str, Any]:
    """``meta.json`` of ``folder``; raises :class:`ArtifactError` for another schema."""
    try:
        meta: dict[str, Any] = json.loads((Path(folder) / META).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ArtifactError(f"JSON in {META}", str(error)) from error
    if meta.get("schema") != SCHEMA:
        raise ArtifactError(f"schema {SCHEMA}", f"schema {meta.get('schema')}")
    return meta


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _packed(value: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    """The JSON of ``value``; its arrays go into ``arrays`` under their path."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case np.ndarray():
            if value.dtype == object:
                raise TypeError(f"expected an array of numbers at {path}, received objects")
            arrays[path] = value
            return {"array": path}
        case np.integer() | np.floating() | np.bool_():
            return value.item()
        case Config():
            return {"config": value.to_dict()}
        case list() | tuple():
            return {"tuple": [_packed(item, f"{path}.{number}", arrays) for number, item in enumerate(value)]}
        case dict():
            return {"dict": {str(key): _packed(item, f"{path}.{key}", arrays) for key, item in value.items()}}
    if sparse.issparse(value):
        matrix = value.tocsr()
        parts = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}
        return {"csr": _packed(parts, path, arrays), "shape": list(matrix.shape)}
    if is_dataclass(value) and not isinstance(value, type):
        # The ids live once, in the meta beside the model.
        kept = [f.name for f in fields(value) if f.init and not (isinstance(value, Ranker) and f.name == "items")]
        return {
            "class": _name(type(value)),
            "fields": {name: _packed(getattr(value, name), f"{path}.{name}", arrays) for name in kept},
        }
    if callable(value):
        return {"function": _name(value)}
    raise TypeError(f"expected arrays, numbers, names or dataclasses of them at {path}, received {type(value)}")


def _name(thing: Any) -> str:
    if not thing.__module__.startswith(_HOME):
        raise TypeError(f"expected something of {_HOME}, received {thing.__module__}.{thing.__qualname__}")
    return f"{thing.__module__.removeprefix(_HOME)}:{thing.__qualname__}"


def _named(name: str) -> Any:
    """A class or function of the engine; nothing else can be reached from a file."""
    module, _, attribute = name.partition(":")
    if not attribute.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        raise ValueError(f"expected module:name, received {name!r}")
    return getattr(importlib.import_module(_HOME + module), attribute)


def _unpacked(spec: Any, stored: Mapping[str, np.ndarray]) -> Any:
    if not isinstance(spec, dict):
        return spec
    if "array" in spec:
        return stored[spec["array"]]
    if "config" in spec:
        return Config.from_dict(spec["config"])
    if "tuple" in spec:
        return tuple(_unpacked(item, stored) for item in spec["tuple"])
    if "dict" in spec:
        return {key: _unpacked(item, stored) for key, item in spec["dict"].items()}
    if "csr" in spec:
        parts = _unpacked(spec["csr"], stored)
        return sparse.csr_matrix((parts["data"], parts["indices"], parts["indptr"]), tuple(spec["shape"]))
    if "function" in spec:
        return _named(spec["function"])
    kind = _named(spec["class"])
    if not (isinstance(kind, type) and is_dataclass(kind)):
        raise ValueError(f"expected a dataclass, received {spec['class']}")
    return kind(**{name: _unpacked(value, stored) for name, value in spec["fields"].items()})
