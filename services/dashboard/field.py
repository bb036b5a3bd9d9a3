"""The cabinets of the street lighting: which order each follows, and when it was heard last."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.numbers import format_decimal

from dashboard.field_words import WORDS, FieldWords
from dashboard.gateway import Gateway
from dashboard.lighting_words import energy_basis, energy_sentence
from multiflux_client.lighting_records import Cabinet, Delivery, DeliveryState, Fault

_ON_THE_WAY = (DeliveryState.WAITING, DeliveryState.SENT, DeliveryState.DELIVERED)


@dataclass(frozen=True, kw_only=True, slots=True)
class CabinetRow:
    """One cabinet in the table."""

    name: str
    state: str
    css: str
    since: str
    heard: str
    refusal: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultRow:
    """One fault in the list."""

    what: str
    cabinet: str
    where: str
    since: str
    figures: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EnergyRow:
    """A cabinet's night: what its energy says, and on what that stands."""

    cabinet: str
    sentence: str
    basis: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """What the page shows of all cabinets: sentences, and a table behind them."""

    words: FieldWords
    sentences: tuple[str, ...]
    rows: tuple[CabinetRow, ...]
    faults: tuple[FaultRow, ...]
    energy: tuple[EnergyRow, ...]
    """Of cabinets that are measured."""


async def field_of(gateway: Gateway, language: str, zone: ZoneInfo, night: date) -> Field:
    """Ask the lighting service how far orders have come, and what a night's energy says; RemoteFailure."""
    words = WORDS[language]
    cabinets = [one async for one in gateway.lighting.cabinets()]
    names = {one.name: one.display_name or one.name for one in cabinets}
    deliveries = [one async for one in gateway.lighting.deliveries()]

    def clock(at: datetime | None) -> str:
        return format_datetime(at.astimezone(zone), format="short", locale=language) if at else words.never

    rows = [
        CabinetRow(
            name=names.get(one.cabinet, one.cabinet),
            state=words.states[one.state.name],
            css=one.state.name.lower().replace("_", "-"),
            since=clock(one.confirm_time or one.deliver_time or one.send_time or one.make_time),
            heard=clock(one.hear_time),
            refusal=one.refusal,
        )
        for one in deliveries
    ]
    faults = [
        FaultRow(
            what=words.kinds[one.kind.name],
            cabinet=names.get(one.cabinet, one.cabinet),
            where=_where(words, one),
            since=clock(one.start_time),
            figures=_figures(words, one, language),
        )
        async for one in gateway.lighting.faults()
    ]
    measured = [one for one in cabinets if one.metering_point]
    energy = await asyncio.gather(*(_energy(gateway, one, night, language) for one in measured))
    return Field(words=words, sentences=tuple(_sentences(words, deliveries)), rows=tuple(rows), faults=tuple(faults), energy=tuple(energy))


async def _energy(gateway: Gateway, cabinet: Cabinet, night: date, language: str) -> EnergyRow:
    (found,) = await gateway.lighting.night_energy(cabinet.name, night, night)
    return EnergyRow(
        cabinet=cabinet.display_name or cabinet.name, sentence=energy_sentence(found, language), basis=energy_basis(found, language)
    )


def _where(words: FieldWords, fault: Fault) -> str:
    if fault.luminaire:
        return words.lamp.format(name=fault.luminaire.removeprefix("luminaires/"))
    return words.circuit.format(number=fault.circuit) if fault.circuit else words.whole


def _figures(words: FieldWords, fault: Fault, language: str) -> str:
    found: list[str] = []
    if fault.seen_w is not None and fault.expected_w is not None:
        seen, expected = (format_decimal(watts, format="#,##0", locale=language) for watts in (fault.seen_w, fault.expected_w))
        found.append(words.watts.format(seen=seen, expected=expected))
    if not fault.luminaire and fault.of_lamps > 1:
        found.append(words.lamps.format(lamps=fault.lamps, of_lamps=fault.of_lamps))
    return ", ".join(found)


def _sentences(words: FieldWords, deliveries: list[Delivery]) -> list[str]:
    if not deliveries:
        return [words.nothing]
    states = Counter(one.state for one in deliveries)
    confirmed, cabinets = states[DeliveryState.CONFIRMED], len(deliveries)
    told = words.all_follow if confirmed == cabinets else words.some_follow
    counted = (
        (words.waiting, states[DeliveryState.WAITING_FOR_POWER]),
        (words.silent, states[DeliveryState.SILENT]),
        (words.refused, states[DeliveryState.REFUSED]),
        (words.on_the_way, sum(states[state] for state in _ON_THE_WAY)),
    )
    return [told.format(confirmed=confirmed, cabinets=cabinets), *(text.format(count=count) for text, count in counted if count)]
