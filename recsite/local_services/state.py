"""What the users of the embedded servers and their keeper tell each other, as files in the data folder."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

LOG_BYTES = 10_000_000  # a log that is longer when its process starts is begun anew


class ServicesError(Exception):
    """An embedded server cannot be had; the text says what was expected, what came, and what to do."""


@dataclass(frozen=True)
class Service:
    name: str
    variable: str  # of the environment, with the address


POSTGRES = Service("postgres", "DATABASE_URL")
REDIS = Service("redis", "REDIS_URL")
SERVICES = (POSTGRES, REDIS)


@dataclass(frozen=True)
class Folder:
    """The data folder and the names in it."""

    path: Path

    @property
    def users_lock(self) -> Path:
        return self.path / "users.lock"

    @property
    def start_lock(self) -> Path:
        return self.path / "start.lock"

    @property
    def keeper_lock(self) -> Path:
        return self.path / "keeper.lock"

    @property
    def services_file(self) -> Path:
        return self.path / "services.json"

    def create(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            (self.path / "log").mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise ServicesError(
                f"RECSITE_DATA_DIR: expected a folder that can be written, got {self.path} ({error.strerror})"
            ) from error
        if not os.access(self.path, os.W_OK):
            raise ServicesError(f"RECSITE_DATA_DIR: {self.path} cannot be written by this user")

    def log(self, name: str) -> IO[bytes]:
        file = self.path / "log" / f"{name}.log"
        if file.exists() and file.stat().st_size > LOG_BYTES:
            file.unlink()
        return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0)

    def password(self, name: str) -> str:
        """The server's password, made once."""
        file = self.path / f"{name}.password"
        if not file.exists():
            self.write(file, secrets.token_urlsafe(32))
        return file.read_text().strip()

    def write(self, file: Path, text: str) -> None:
        """Write for the owner only, aside, then rename: a reader never sees half of it."""
        aside = file.with_name(file.name + ".new")
        aside.unlink(missing_ok=True)
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(text)
        aside.rename(file)

    # --- what the keeper says ---
    def services(self) -> dict[str, dict[str, Any]]:
        """By service: ``{"port", "url"}``, or ``{"error"}``."""
        try:
            return dict(json.loads(self.services_file.read_text()))
        except (FileNotFoundError, ValueError):
            return {}

    def addresses(self) -> dict[str, str]:
        return {name: entry["url"] for name, entry in self.services().items() if "url" in entry}

    def errors(self) -> dict[str, str]:
        return {name: entry["error"] for name, entry in self.services().items() if "error" in entry}

    def keeper_alive(self) -> bool:
        return is_locked(self.keeper_lock)

    # --- what users say ---
    def want(self, names: list[str]) -> None:
        for name in names:
            (self.path / f"{name}.wanted").touch(mode=0o600)

    def wanted(self) -> list[str]:
        return [service.name for service in SERVICES if (self.path / f"{service.name}.wanted").exists()]

    def unwant(self, names: list[str]) -> None:
        for name in names:
            (self.path / f"{name}.wanted").unlink(missing_ok=True)

    def forget(self) -> None:
        """Clear what a killed keeper left. The ports stay known, for its users hold them in their addresses."""
        self.unwant([service.name for service in SERVICES])
        self.services_file.unlink(missing_ok=True)


def is_locked(file: Path) -> bool:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
