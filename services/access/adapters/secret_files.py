"""Secrets in files that only their owner can read: made at first start, never in git, never in the database."""

import json
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from joserfc.jwk import OKPKey

_SECRET_BYTES = 32
_PRIVATE = 0o600
_CURVE = "Ed25519"


def secret_in(path: Path) -> str:
    """Return the secret in the file, which is made when it is missing: 256 random bits as URL-safe text."""
    return _content(path, lambda: secrets.token_urlsafe(_SECRET_BYTES))


def key_in(path: Path) -> OKPKey:
    """Return the private Ed25519 key in the file, a JSON Web Key, which is made when it is missing."""
    return _key(_content(path, lambda: _json(new_key())))


def read_key(path: Path) -> OKPKey | None:
    """Return the private key in the file, None when there is no file."""
    try:
        return _key(path.read_text())
    except FileNotFoundError:
        return None


def write_key(path: Path, key: OKPKey) -> None:
    """Keep the private key in a new file."""
    _make(path, _json(key))


def new_key() -> OKPKey:
    """Return a new Ed25519 key; its id is its thumbprint (RFC 7638)."""
    return OKPKey.generate_key(_CURVE, auto_kid=True)


def _json(key: OKPKey) -> str:
    return json.dumps(key.as_dict(private=True))


def _key(text: str) -> OKPKey:
    return OKPKey.import_key(json.loads(text))


def _content(path: Path, make: Callable[[], str]) -> str:
    if not path.exists():
        with suppress(FileExistsError):
            _make(path, make())
    return path.read_text().strip()


def _make(path: Path, content: str) -> None:
    """Write a file that is there whole or not at all, and never readable by others."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE), "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        # Unlike a rename, a link never replaces: of two processes that start together, the first one's secret counts.
        os.link(unfinished, path)
    finally:
        unfinished.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
