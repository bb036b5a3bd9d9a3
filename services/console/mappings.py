"""What delimited files mean: kept under names in the user's configuration, or in files of their own."""

from dataclasses import dataclass
from pathlib import Path

import typer

from collector.domain.mapping import Mapping, mapping_from_json
from vocabulary.failure import Failure, Kind
from vocabulary.names import checked_id


class MappingUnknown(Failure):
    """There is no mapping of this name, and no file of this path."""

    reason, kind = "MAPPING_UNKNOWN", Kind.MISSING


@dataclass(frozen=True, slots=True)
class Mappings:
    """The mappings in a folder, one JSON file each."""

    folder: Path

    @classmethod
    def of_user(cls) -> "Mappings":
        """Return those of the user's configuration."""
        return cls(Path(typer.get_app_dir("multiflux")) / "mappings")

    def names(self) -> list[str]:
        """Return the names of the mappings, in order."""
        return sorted(file.stem for file in self.folder.glob("*.json"))

    def load(self, name_or_file: str) -> Mapping:
        """Return the mapping of a name, or of a path that ends in .json; MappingUnknown, InvalidMapping."""
        file = Path(name_or_file) if name_or_file.endswith(".json") else self._file(name_or_file)
        if not file.is_file():
            known = ", ".join(self.names()) or "none"
            raise MappingUnknown(f"there is no mapping {name_or_file}; kept are: {known}", mapping=name_or_file)
        return mapping_from_json(file.read_bytes())

    def save(self, name: str, mapping: Mapping) -> Path:
        """Keep a mapping under a name, in place of one that has it, and return its file; InvalidName."""
        file = self._file(name)
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".unfinished")
        fresh.write_text(mapping.model_dump_json(indent=2, exclude_defaults=True), encoding="utf-8")
        return fresh.replace(file)

    def _file(self, name: str) -> Path:
        return self.folder / f"{checked_id(name)}.json"
