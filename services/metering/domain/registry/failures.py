"""The ways in which the registry says no."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from vocabulary.failure import Failure, FieldViolation, InvalidRequest, Kind

A = TypeVar("A")
T = TypeVar("T")


class FieldFault(Failure):
    """One field of a place, point or row breaks a rule; `field` is its path, as in the contract."""

    reason, kind = "INVALID_REQUEST", Kind.INVALID

    def __init__(self, field: str, description: str, **metadata: str) -> None:
        """Say which field, and what is wrong with it."""
        super().__init__(
            f"{field}: {description}", violations=(FieldViolation(field=field, description=description),), field=field, **metadata
        )
        self.field = field
        self.description = description


class MissingValue(FieldFault):
    """A field that is needed is empty."""

    reason = "MISSING_VALUE"


class OutOfRange(FieldFault):
    """A number, a text or a list is larger or smaller than it can be."""

    reason = "OUT_OF_RANGE"


class InvalidValue(FieldFault):
    """A cell of a file is not written the way its column is."""

    reason = "INVALID_VALUE"


class MalformedRow(FieldFault):
    """A row of a file cannot be taken apart into cells."""

    reason = "MALFORMED_ROW"


class FileRefused(Failure):
    """A file as a whole cannot be read: its header, its encoding, its frame; nothing of it was imported."""

    reason, kind = "FILE_REFUSED", Kind.INVALID


class InvalidIdentifier(FieldFault):
    """An identifier does not have the form of its scheme."""

    reason = "INVALID_IDENTIFIER"


class RepeatedValue(FieldFault):
    """A list names the same thing twice."""

    reason = "REPEATED_VALUE"


class OverlappingValidities(FieldFault):
    """Two dated facts of which only one may hold at a time hold at once."""

    reason = "OVERLAPPING_VALIDITIES"


class InvalidOutline(FieldFault):
    """An outline is not a GeoJSON geometry in WGS 84."""

    reason = "INVALID_OUTLINE"


class WrongLevel(FieldFault):
    """A place's level forbids it: a parent must be of a larger level, only premises have a home or a site."""

    reason = "WRONG_LEVEL"


class WrongQuantity(FieldFault):
    """A flux has no such quantity or direction."""

    reason = "WRONG_QUANTITY"


class UnknownParent(FieldFault):
    """The parent does not exist in the territory."""

    reason = "UNKNOWN_PARENT"


class UnknownPlace(FieldFault):
    """The place that a field refers to does not exist in the territory."""

    reason = "UNKNOWN_PLACE"


class WrongParentFlux(FieldFault):
    """A point's parent measures another flux."""

    reason = "WRONG_PARENT_FLUX"


class ParentCycle(FieldFault):
    """A point would measure behind itself."""

    reason = "PARENT_CYCLE"


class KeyMissing(FieldFault):
    """A row has neither id nor identifier: sent twice, it would make two."""

    reason = "KEY_MISSING"


class RepeatedRow(FieldFault):
    """An earlier row of the file is about the same place, point or day."""

    reason = "REPEATED_ROW"


class IdentifierTaken(FieldFault):
    """The identifier belongs to another place or point of the territory."""

    reason, kind = "IDENTIFIER_TAKEN", Kind.EXISTS


class FieldFixed(FieldFault):
    """The field never changes after the resource was made."""

    reason = "FIELD_FIXED"


class TerritoryMissing(Failure):
    """The registry knows no such territory."""

    reason, kind = "TERRITORY_NOT_FOUND", Kind.MISSING


class PlaceMissing(Failure):
    """The territory has no such place, or the caller may not see it."""

    reason, kind = "PLACE_NOT_FOUND", Kind.MISSING


class PointMissing(Failure):
    """The territory has no such metering point, or the caller may not see it."""

    reason, kind = "METERING_POINT_NOT_FOUND", Kind.MISSING


class TerritoryExists(Failure):
    """There is a territory of this id already."""

    reason, kind = "TERRITORY_EXISTS", Kind.EXISTS


class PlaceExists(Failure):
    """There is a place of this id already."""

    reason, kind = "PLACE_EXISTS", Kind.EXISTS


class PointExists(Failure):
    """There is a metering point of this id already."""

    reason, kind = "METERING_POINT_EXISTS", Kind.EXISTS


class PlaceInUse(Failure):
    """Something lies or lay in the place, measures or measured there."""

    reason, kind = "PLACE_IN_USE", Kind.CONFLICT


class PointInUse(Failure):
    """The metering point has readings or sub-meters."""

    reason, kind = "METERING_POINT_IN_USE", Kind.CONFLICT


class OutOfReach(Failure):
    """No grant of the caller covers a place that the request refers to; whether it exists is not told."""

    reason, kind = "NOT_PERMITTED", Kind.DENIED


class NotOccupied(Failure):
    """The caller does not live there now."""

    reason, kind = "OCCUPANCY_NOT_CURRENT", Kind.DENIED


class NotADwelling(Failure):
    """The place is no home."""

    reason, kind = "NOT_A_DWELLING", Kind.CONFLICT


class PointNotAtPremise(FieldFault):
    """A contract names a metering point that is not at the premise."""

    reason = "POINT_NOT_AT_PREMISE"


class DeviceOrder(FieldFault):
    """A device would be exchanged before it was installed, or before the exchange that is already known."""

    reason, kind = "DEVICE_ORDER", Kind.CONFLICT


class SeveralFaults(InvalidRequest):
    """Several fields break rules; each of them is listed."""

    def __init__(self, *faults: FieldFault) -> None:
        """List the faults, at least one."""
        super().__init__(*(violation for fault in faults for violation in fault.violations))
        self.faults = faults


def first_fault(failure: Failure) -> Failure:
    """Return the failure, or the first of several."""
    return failure.faults[0] if isinstance(failure, SeveralFaults) else failure


def refuse(*faults: FieldFault | None) -> None:
    """Raise what is wrong: one fault as it is, several as SeveralFaults; None is no fault."""
    if not any(faults):
        return
    found = [fault for fault in faults if fault is not None]
    if len(found) == 1:
        raise found[0]
    raise SeveralFaults(*found)


class Faults:
    """Gathers what is wrong with several parts of one request, so that a caller learns all of it at once."""

    def __init__(self) -> None:
        """Start with nothing wrong."""
        self._found: list[Failure] = []

    def note(self, path: str, failure: Failure) -> None:
        """Note that the part at `path` is invalid; any other failure is raised."""
        if failure.kind not in {Kind.INVALID, Kind.EXISTS}:
            raise failure
        self._found.append(below(path, failure))

    def one(self, path: str, convert: Callable[[A], T], part: A) -> T | None:
        """Return the converted part, None when it is invalid, which is noted."""
        try:
            return convert(part)
        except Failure as failure:
            self.note(path, failure)
            return None

    def each(self, path: str, convert: Callable[[A], T], parts: Iterable[A]) -> tuple[T, ...]:
        """Return the converted parts of a list; invalid ones are noted."""
        converted: list[T] = []
        for index, part in enumerate(parts):
            try:
                converted.append(convert(part))
            except Failure as failure:
                self.note(f"{path}[{index}]", failure)
        return tuple(converted)

    def refuse(self) -> None:
        """Raise what was found, if anything."""
        if len(self._found) == 1:
            raise self._found[0]
        if self._found:
            raise InvalidRequest(*(violation for failure in self._found for violation in failure.violations))


def checked_below(path: str, check: Callable[[A], None], value: A) -> None:
    """Check a value; what is wrong with it names its fields below `path`."""
    faults = Faults()
    faults.one(path, check, value)
    faults.refuse()


def below(path: str, failure: Failure) -> Failure:
    """Return the failure with its fields named from the request down: `path`, then what it said."""
    violations = failure.violations or (FieldViolation(field="", description=failure.message),)
    moved = tuple(FieldViolation(field=_joined(path, v.field), description=v.description) for v in violations)
    if isinstance(failure, FieldFault):
        metadata = {key: value for key, value in failure.metadata.items() if key != "field"}
        return type(failure)(moved[0].field, failure.description, **metadata)
    if isinstance(failure, InvalidRequest):
        return InvalidRequest(*moved)
    failure.violations = moved
    return failure


def _joined(path: str, field: str) -> str:
    return f"{path}.{field}" if path and field else path or field
