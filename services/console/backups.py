"""The folder of a backup: which files it holds, with the checksum of each, so that a damaged or foreign one is told from a whole one."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

from vocabulary.failure import Failure, Kind

FORMAT = 1
"""Raised whenever an older program could not restore what this one writes."""

STORES = ("series.sqlite", "access.sqlite", "metering.sqlite")
FOLDERS = ("secrets", "simulation")
"""Folders of the data directory that are kept as they are: keys and service secrets, and which town is simulated."""

_APPLICATION = "multiflux-backup"
_MANIFEST = "manifest.json"
_BLOCK_BYTES = 1 << 20
_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700


class BackupForeign(Failure):
    """The folder holds no backup that this program can restore."""

    reason, kind = "BACKUP_FOREIGN", Kind.INVALID


class BackupDamaged(Failure):
    """A file of the backup is missing, or is not what was written."""

    reason, kind = "BACKUP_DAMAGED", Kind.CONFLICT


class FolderNotEmpty(Failure):
    """A folder that must be empty is not."""

    reason, kind = "FOLDER_NOT_EMPTY", Kind.EXISTS


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptFile:
    """A file of a backup: its path within it, its size, and its SHA-256 in hexadecimal digits."""

    path: str
    size: int
    sha256: str


def refuse_filled(folder: Path, advice: str = "") -> None:
    """Raise FolderNotEmpty when something is in the folder."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderNotEmpty(f"{folder} is not empty{advice}", folder=str(folder))


def copy_folders(source: Path, target: Path) -> None:
    """Copy the folders that are kept as they are, for nobody else to read; what is at the target is replaced."""
    for name in FOLDERS:
        if not (source / name).is_dir():
            continue
        fresh = target / f"{name}.unfinished"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(source / name, fresh)
        for path in (fresh, *fresh.rglob("*")):
            path.chmod(_PRIVATE_FOLDER if path.is_dir() else _PRIVATE_FILE)
        shutil.rmtree(target / name, ignore_errors=True)
        fresh.rename(target / name)


def seal(folder: Path, *, made: str) -> tuple[KeptFile, ...]:
    """Write the manifest of all that is in the folder: last, so that an unfinished backup has none."""
    files = tuple(_kept(folder, path) for path in _files(folder))
    manifest: dict[str, object] = {
        "application": _APPLICATION,
        "format": FORMAT,
        "made": made,
        "files": {file.path: {"bytes": file.size, "sha256": file.sha256} for file in files},
    }
    path = folder / _MANIFEST
    path.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    path.chmod(_PRIVATE_FILE)
    return files


def checked(folder: Path) -> tuple[KeptFile, ...]:
    """Return the files of a backup after comparing each with the manifest; BackupForeign, BackupDamaged."""
    listed = _listed(folder)
    present = {path.relative_to(folder).as_posix() for path in _files(folder)}
    for name in sorted(listed.keys() ^ present):
        said = "is missing" if name in listed else "is not in the manifest"
        raise BackupDamaged(f"{name} {said}", file=name)
    if missing := set(STORES) - present:
        raise BackupDamaged(f"{min(missing)} is missing", file=min(missing))
    for name, file in listed.items():
        if _kept(folder, folder / name) != file:
            raise BackupDamaged(f"{name} is not what was written: its checksum differs", file=name)
    return tuple(listed.values())


def _listed(folder: Path) -> dict[str, KeptFile]:
    try:
        manifest = cast("dict[str, Any]", json.loads((folder / _MANIFEST).read_text(encoding="utf-8")))
        application, found = manifest["application"], manifest["format"]
        files = {
            str(name): KeptFile(path=str(name), size=int(said["bytes"]), sha256=str(said["sha256"]))
            for name, said in manifest["files"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise BackupForeign(f"{folder} holds no backup: it has no manifest that can be read", folder=str(folder)) from None
    if application != _APPLICATION or found != FORMAT:
        raise BackupForeign(f"{folder} holds no backup of format {FORMAT}, but of {found}", folder=str(folder), format=str(found))
    if any(PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts for name in files):
        raise BackupForeign(f"the manifest of {folder} names files outside of it", folder=str(folder))
    return files


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and path != folder / _MANIFEST)


def _kept(folder: Path, path: Path) -> KeptFile:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            size += len(block)
    return KeptFile(path=path.relative_to(folder).as_posix(), size=size, sha256=digest.hexdigest())
