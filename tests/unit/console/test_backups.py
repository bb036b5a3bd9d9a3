"""A backup is taken for one only when it is whole and unchanged."""

import json
from pathlib import Path

import pytest

from console.backups import STORES, BackupDamaged, BackupForeign, FolderNotEmpty, checked, copy_folders, refuse_filled, seal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "copy"
    (made / "secrets").mkdir(parents=True)
    for name in (*STORES, "secrets/metering"):
        (made / name).write_text(f"what {name} holds")
    seal(made, made="2026-01-15T12:00:00+00:00")
    return made


def test_what_was_sealed_is_whole(folder: Path) -> None:
    assert {file.path for file in checked(folder)} == {*STORES, "secrets/metering"}


def test_a_changed_file_is_named(folder: Path) -> None:
    (folder / "secrets" / "metering").write_text("what secrets/metering has")
    with pytest.raises(BackupDamaged, match="secrets/metering is not what was written"):
        checked(folder)


def test_a_missing_and_an_added_file_are_named(folder: Path) -> None:
    (folder / "secrets" / "metering").unlink()
    with pytest.raises(BackupDamaged, match="secrets/metering is missing"):
        checked(folder)
    (folder / "secrets" / "metering").write_text("what secrets/metering holds")
    (folder / "added").touch()
    with pytest.raises(BackupDamaged, match="added is not in the manifest"):
        checked(folder)


def test_a_backup_without_a_store_is_none_even_when_its_manifest_agrees(folder: Path) -> None:
    (folder / "access.sqlite").unlink()
    seal(folder, made="2026-01-15T12:00:00+00:00")
    with pytest.raises(BackupDamaged, match=r"access\.sqlite is missing"):
        checked(folder)


@pytest.mark.parametrize(
    "change",
    [{"application": "another"}, {"format": 99}, {"files": ["series.sqlite"]}, {"files": {"../outside": {"bytes": 1, "sha256": ""}}}],
    ids=lambda change: next(iter(change)),
)
def test_a_foreign_manifest_is_refused(folder: Path, change: dict[str, object]) -> None:
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | change))
    with pytest.raises(BackupForeign):
        checked(folder)


def test_an_unfinished_backup_has_no_manifest_and_is_refused(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    with pytest.raises(BackupForeign):
        checked(folder)


def test_secrets_are_copied_for_their_owner_alone_and_replace_what_was_there(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "var"
    (target / "secrets").mkdir(parents=True)
    (target / "secrets" / "old").touch()
    (folder / "secrets" / "metering").chmod(0o644)
    copy_folders(folder, target)
    assert [path.name for path in (target / "secrets").iterdir()] == ["metering"]
    assert (target / "secrets").stat().st_mode & 0o777 == 0o700
    assert (target / "secrets" / "metering").stat().st_mode & 0o777 == 0o600


def test_a_filled_folder_is_refused_and_an_empty_or_absent_one_is_not(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FolderNotEmpty):
        refuse_filled(folder)
    refuse_filled(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    refuse_filled(tmp_path / "empty")
