"""What a delimited file means: which columns, in which units, at which times. Written by a person once, saved as JSON, used again."""

import re
from datetime import datetime
from enum import Enum, StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError, model_validator

from collector.domain.lines import Encoding
from collector.domain.parsed import Channel
from collector.domain.stamps import DIRECTIVES, EPOCH_MS, EPOCH_S, ISO
from collector.domain.units import FACTORS, Unit, unit_named
from vocabulary.civil import UnknownTimeZone, time_zone
from vocabulary.failure import Failure, FieldViolation, Kind
from vocabulary.flux import BaseUnit, Direction, Flux, Quantity, base_unit
from vocabulary.quality import Quality

Column = Annotated[int, Field(ge=1, le=10_000)] | Annotated[str, Field(min_length=1)]
"""A column by its number, the first being 1, or by its name in the header (accents, case and outer brackets do not count)."""

_DAY_S = 86_400
_SEPARATORS = (" ", ".", ",", "'", "’", "_", "\u00a0", "\u202f")


class InvalidMapping(Failure):
    """The mapping contradicts itself or leaves something out; every wrong field is listed."""

    reason, kind = "INVALID_MAPPING", Kind.INVALID

    def __init__(self, *violations: FieldViolation) -> None:
        """List the violations, at least one."""
        super().__init__("; ".join(f"{v.field}: {v.description}" for v in violations), violations=violations)


class UnknownColumn(Failure):
    """The file lacks columns that the mapping names; every one of them is listed."""

    reason, kind = "UNKNOWN_COLUMN", Kind.INVALID

    def __init__(self, *violations: FieldViolation) -> None:
        """List the violations, at least one."""
        super().__init__("; ".join(f"{v.field}: {v.description}" for v in violations), violations=violations)


class Measures(StrEnum):
    """What a value of the file says."""

    REGISTER = "register"
    """The index shown at the instant of the stamp."""
    INTERVAL = "interval"
    """The quantity over the interval that the stamp starts or ends."""
    MEAN_POWER = "mean_power"
    """The mean power over that interval; kept as energy."""


class StampAt(StrEnum):
    """Which end of its interval a stamp marks."""

    START = "start"
    END = "end"


class CivilStep(StrEnum):
    """Steps that are no fixed number of seconds; they follow the mapping's time zone."""

    DAY = "day"
    MONTH = "month"


class ClockChange(StrEnum):
    """What the columns of a day's row mean on days of 23 and 25 hours."""

    ELAPSED = "elapsed"
    """The n-th column is the n-th interval of the day: 46 or 50 half-hours are filled."""
    CLOCK = "clock"
    """A column is a time on the clock: one hour stays empty in spring, and in autumn two hours share their columns."""


class QualityName(StrEnum):
    """How a text of a quality column is to be taken; `missing` makes a gap of the row."""

    CORRECTED = "corrected"
    MEASURED = "measured"
    ESTIMATED = "estimated"
    SUSPECT = "suspect"
    MISSING = "missing"

    @property
    def quality(self) -> Quality | None:
        """The quality meant, None for `missing`."""
        return None if self is QualityName.MISSING else Quality[self.name]


def _name_of(word: Enum) -> str:
    return word.name.lower()


def _named(words: type[Enum]) -> BeforeValidator:
    """Accept the words of a vocabulary by their names, as people write them."""

    def word(given: object) -> object:
        return words.__members__.get(given.upper(), given) if isinstance(given, str) else given

    return BeforeValidator(word)


def _unit(given: object) -> object:
    return unit_named(given) or given if isinstance(given, str) else given


_NAME = PlainSerializer(_name_of, return_type=str)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RowFilter(_Part):
    """Keeps the rows that have one of some texts in a column."""

    column: Column
    equals: tuple[str, ...] = Field(min_length=1, description="Texts that let a row pass; case and accents do not count.")


class QualityMapping(_Part):
    """What the texts of a column say about the value; of several such columns the worst counts."""

    column: Column
    values: dict[str, QualityName] = Field(description="Text of the column → quality; case and accents do not count.")
    otherwise: QualityName | None = Field(None, description="Quality of all other texts; none: they are problems of their rows.")


class TimeMapping(_Part):
    """Where a row says when."""

    columns: tuple[Column, ...] = Field(
        min_length=1, max_length=2, description="The stamp, or date and time apart, read as joined by a space."
    )
    formats: tuple[str, ...] = Field(
        (ISO,), min_length=1, description="`iso`, `epoch_s`, `epoch_ms`, or strptime directives; the first that fits counts."
    )
    zone: str = Field("UTC", description="IANA zone of stamps without an offset, and of civil days.")
    stamp_at: StampAt = Field(StampAt.START, description="Which end of its interval a stamp marks; registers have no interval.")
    step: Annotated[int, Field(gt=0, le=366 * _DAY_S)] | CivilStep | None = Field(
        None, description="Seconds, `day` or `month`; none: inferred from the stamps."
    )
    step_column: Column | None = Field(None, description="A column with the step of the row: ISO 8601 (`PT30M`) or a number.")
    step_column_unit_s: int = Field(60, gt=0, description="Seconds in one, where the step column holds a number.")


class ValueMapping(_Part):
    """One column of values, and what it counts."""

    column: Column | None = Field(None, description="None where the values stand in a day's slots, or in one column per meter.")
    unit: Annotated[Unit, BeforeValidator(_unit)] | None = Field(None, description="Unit of the values; none: the unit column tells.")
    unit_column: Column | None = Field(None, description="A column with the unit of the row.")
    flux: Annotated[Flux, _named(Flux), _NAME]
    quantity: Annotated[Quantity, _named(Quantity), _NAME]
    direction: Annotated[Direction, _named(Direction), _NAME] = Direction.IMPORT
    register_set: str = ""
    tariff_slot: str = ""
    measures: Measures
    where: tuple[RowFilter, ...] = Field((), description="Rows that count for this channel; all filters must let the row pass.")
    missing_is_gap: bool = Field(True, description="False: an empty cell says nothing, as in unused register columns.")

    @property
    def channel(self) -> Channel:
        """The channel that the values belong to."""
        return Channel(
            flux=self.flux,
            quantity=self.quantity,
            direction=self.direction,
            register_set=self.register_set,
            tariff_slot=self.tariff_slot,
        )


class DayMapping(_Part):
    """One row holds a whole day: its values stand side by side in slots."""

    step_s: int = Field(1800, gt=0, le=_DAY_S, description="Seconds of one slot; must divide the day.")
    first_column: Column | None = Field(None, description="The first slot, the others follow; none: the columns named by a time of day.")
    slot_count: int | None = Field(None, gt=0, le=1500, description="How many slots follow; none: those of a day of 24 hours.")
    clock_change: ClockChange = ClockChange.ELAPSED


class Mapping(_Part):
    """What a delimited file means."""

    delimiter: str = Field(";", min_length=1, max_length=1)
    encoding: Encoding = "auto"
    decimal_sign: Literal[".", ","] = "."
    thousands_sign: str = Field("", max_length=1)
    skip_rows: int = Field(0, ge=0, le=10_000, description="Lines before the header, or before the data where there is no header.")
    header: bool = True
    identifier_scheme: str = Field(min_length=1, description="What the identifiers are: `prm`, `pce`, `water-contract`, ...")
    identifier_column: Column | None = None
    identifier: str | None = Field(None, min_length=1, description="The one metering point of the whole file.")
    identifiers_in_header: bool = Field(False, description="One column per metering point, named by its identifier.")
    time: TimeMapping
    values: tuple[ValueMapping, ...] = Field(min_length=1)
    day: DayMapping | None = None
    quality: tuple[QualityMapping, ...] = ()
    missing: frozenset[str] = Field(
        frozenset({"", "-", "NaN", "nan", "NA", "N/A", "null", "NULL", "None"}), description="Texts that stand for no value."
    )
    zero_is_missing: bool = Field(False, description="The sender writes 0 where it has no value.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        violations = [*_layout_violations(self), *_time_violations(self), *_value_violations(self)]
        if violations:
            raise ValueError("\n".join(f"{field}\t{description}" for field, description in violations))
        return self


def mapping_from_json(text: str | bytes) -> Mapping:
    """Return the mapping that was saved as JSON. Raises InvalidMapping with every wrong field."""
    try:
        return Mapping.model_validate_json(text)
    except ValidationError as error:
        raise _invalid(error) from None


def mapping_of(**fields: object) -> Mapping:
    """Return the mapping of these fields. Raises InvalidMapping with every wrong field."""
    try:
        return Mapping.model_validate(fields)
    except ValidationError as error:
        raise _invalid(error) from None


def _invalid(error: ValidationError) -> InvalidMapping:
    violations: list[FieldViolation] = []
    for detail in error.errors(include_url=False):
        field, message = ".".join(str(part) for part in detail["loc"]), str(detail["msg"])
        if detail["type"] != "value_error":
            violations.append(FieldViolation(field=field or "mapping", description=message))
            continue
        for line in message.removeprefix("Value error, ").split("\n"):
            name, _, description = line.partition("\t")
            violations.append(FieldViolation(field=name, description=description))
    return InvalidMapping(*violations)


def _layout_violations(mapping: Mapping) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    sources = (mapping.identifier_column is not None, mapping.identifier is not None, mapping.identifiers_in_header)
    if sum(sources) != 1:
        found.append(("identifier", "give exactly one of identifier_column, identifier and identifiers_in_header"))
    if mapping.delimiter in '"\r\n':
        found.append(("delimiter", "cannot be a quote or a line end"))
    if mapping.thousands_sign and (mapping.thousands_sign not in _SEPARATORS or mapping.thousands_sign == mapping.decimal_sign):
        found.append(("thousands_sign", "must part groups of digits, and differ from the decimal sign"))
    if mapping.identifiers_in_header and (not mapping.header or len(mapping.values) != 1 or mapping.day is not None):
        found.append(("identifiers_in_header", "needs a header, exactly one entry in values, and no day slots"))
    names = [column for column in _columns(mapping) if isinstance(column, str)]
    if names and not mapping.header:
        found.append(("header", f"without a header, columns have numbers, not names: {', '.join(names)}"))
    if mapping.day is not None:
        found += _day_violations(mapping, mapping.day)
    return found


def _day_violations(mapping: Mapping, day: DayMapping) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if _DAY_S % day.step_s:
        found.append(("day.step_s", "must divide a day of 24 hours"))
    if day.first_column is None and not mapping.header:
        found.append(("day.first_column", "is needed where there is no header to name the slots"))
    if day.first_column is None and day.slot_count is not None:
        found.append(("day.slot_count", "counts from first_column, which is not given"))
    if mapping.time.step is not None or mapping.time.step_column is not None:
        found.append(("time.step", "the slots of the day tell the step"))
    if mapping.time.formats[0] in {EPOCH_S, EPOCH_MS}:
        found.append(("time.formats", "the row of a day is named by a date"))
    return found


def _columns(mapping: Mapping) -> list[Column]:
    optional = [mapping.identifier_column, mapping.time.step_column, mapping.day.first_column if mapping.day else None]
    for value in mapping.values:
        optional += [value.column, value.unit_column, *(row_filter.column for row_filter in value.where)]
    optional += [quality.column for quality in mapping.quality]
    return [*mapping.time.columns, *(column for column in optional if column is not None)]


def _time_violations(mapping: Mapping) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    try:
        time_zone(mapping.time.zone)
    except UnknownTimeZone as failure:
        found.append(("time.zone", failure.message))
    written = [form for form in mapping.time.formats if form not in {ISO, EPOCH_S, EPOCH_MS}]
    found += [("time.formats", f"{form!r}: {wrong}") for form in written if (wrong := _format_violation(form))]
    if len(mapping.time.formats) > 1 and {EPOCH_S, EPOCH_MS} & set(mapping.time.formats):
        found.append(("time.formats", "seconds since 1970 cannot be mixed with other formats"))
    if mapping.time.step is not None and mapping.time.step_column is not None:
        found.append(("time.step", "give the step or the column that has it, not both"))
    return found


def _format_violation(form: str) -> str:
    directives = re.findall(r"%(.?)", form, re.DOTALL)
    if unknown := [directive for directive in directives if not directive or directive not in DIRECTIVES]:
        return f"unknown directive %{unknown[0]}"
    named = [directive for directive in directives if directive != "%"]
    if len(set(named)) != len(named):
        return "a directive stands twice"
    if not ({"Y", "y"} & set(named) and {"m", "b", "B"} & set(named) and "d" in named):
        return "year, month and day are needed"
    try:
        datetime.strptime("", form)  # noqa: DTZ007 — a trial, the result is not used
    except ValueError:
        return ""
    except re.error:
        return "cannot be read"
    return ""


def _value_violations(mapping: Mapping) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for at, value in enumerate(mapping.values):
        apart = mapping.day is not None or mapping.identifiers_in_header
        if (value.column is None) != apart:
            found.append((f"values.{at}.column", "must be left out" if apart else "is needed"))
        if (value.unit is None) == (value.unit_column is None):
            found.append((f"values.{at}.unit", "give the unit or the column that has it, not both, not neither"))
        elif value.unit is not None and not unit_fits(value.unit, value):
            found.append((f"values.{at}.unit", f"{value.unit.value} is no unit of {value.measures.value} {value.quantity.name.lower()}"))
        if value.measures is Measures.MEAN_POWER and value.quantity is not Quantity.ENERGY:
            found.append((f"values.{at}.quantity", "mean power over an interval is kept as energy"))
        if value.measures is Measures.REGISTER and value.quantity not in {Quantity.ENERGY, Quantity.VOLUME}:
            found.append((f"values.{at}.measures", "only energy and volume add up in a register"))
    return found


def unit_fits(unit: Unit, value: ValueMapping) -> bool:
    """Tell whether values in the unit can be what the mapping says."""
    wanted = BaseUnit.WATT if value.measures is Measures.MEAN_POWER else base_unit(value.quantity)
    return FACTORS[unit][1] is wanted
