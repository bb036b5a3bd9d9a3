"""Brings the town into an installation through the ordinary calls: its territory, places and points once, its readings as they arrive."""

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np

from console.town_files import gas_coefficients_csv, places_csv, points_csv
from console.town_lighting import fill_lighting
from console.town_people import households, settle
from multiflux_client.access import AccessClient, ServiceSecret
from multiflux_client.channel import Connection
from multiflux_client.credentials import ExchangedTokens
from multiflux_client.failures import RemoteFailure
from multiflux_client.lighting_records import InventoryImport
from multiflux_client.metering import MeteringClient
from multiflux_client.places import Territory
from multiflux_client.readings import Acknowledged, ReadingKind, Series, SeriesReadings
from multiflux_client.registry import ImportProgress, RegistryClient, RegistryContent, RegistryFile, RegistryFormat
from multiflux_client.tables import ReferenceTable
from simulation.readings import Block, Feed
from simulation.scene import ZONE
from simulation.town import Town, build_town
from vocabulary.failure import Kind
from vocabulary.flux import base_unit
from vocabulary.names import PersonId, TerritoryId

MONTHS = 13
PLATFORM = TerritoryId("platform")
PLATFORM_OPERATOR, ADMINISTRATOR = PersonId("platform-operator"), PersonId("administrator")


class TownIncomplete(Exception):
    """The registry refused rows of the town: this version of the simulator does not fit it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Which town: its seed, its first civil day, and the day before which its moves and faults fall; kept, so that it stays the same."""

    seed: int
    start: date
    end: date

    def town(self) -> Town:
        """Build it."""
        return build_town(self.seed, self.start, self.end)


def kept_plan(file: Path, *, seed: int, now: datetime) -> Plan:
    """Return the plan that the file keeps; without one, plan a town that began thirteen months ago, and keep that."""
    if file.exists():
        kept = json.loads(file.read_text())
        return Plan(seed=kept["seed"], start=date.fromisoformat(kept["start"]), end=date.fromisoformat(kept["end"]))
    today = now.astimezone(ZONE).date()
    plan = Plan(seed=seed, start=_months_before(today, MONTHS), end=today)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"seed": plan.seed, "start": plan.start.isoformat(), "end": plan.end.isoformat()}))
    return plan


class Feeder:
    """Feeds one installation with one town. Every step can be repeated: what is there already stays as it is."""

    def __init__(self, town: Town, access: Connection, metering: Connection, service: ServiceSecret | None = None) -> None:
        """Sign in at `access` as the local issuer's demo people, from another machine as a service; feed `metering`."""
        self._town = town
        self._at_access = access
        self._access = AccessClient(access)
        self._metering = metering
        self._service = service
        self._units = {point.id: {channel.id: base_unit(channel.quantity) for channel in point.channels} for point in town.points}

    async def make_territory(self) -> None:
        """Make the territory, unless it is there."""
        facts = self._town.territory
        territory = Territory(
            display_name=facts.display_name,
            time_zone=facts.time_zone,
            currency_code=facts.currency_code,
            school_holiday_zone=facts.school_holiday_zone,
            simulated=True,
        )
        operator = await self._signed_in(PLATFORM_OPERATOR, PLATFORM)
        try:
            await RegistryClient(operator).create_territory(territory, facts.id)
        except RemoteFailure as failure:
            if failure.kind is not Kind.EXISTS:
                raise

    async def fill_registry(self) -> AsyncIterator[ImportProgress]:
        """Import places, points and gas coefficients; yield the progress. TownIncomplete when the registry refuses a row."""
        registry = RegistryClient(await self._administrator())
        for content, table, file in (
            (RegistryContent.PLACES, None, places_csv(self._town)),
            (RegistryContent.METERING_POINTS, None, points_csv(self._town)),
            (RegistryContent.REFERENCE_ROWS, ReferenceTable.GAS_COEFFICIENTS, gas_coefficients_csv(self._town)),
        ):
            described = RegistryFile(content=content, format=RegistryFormat.CSV, table=table)
            async for progress in registry.import_file(described, [file]):
                if progress.refused_rows:
                    first = progress.refused_rows[0]
                    raise TownIncomplete(f"{content.name.lower()} line {first.line}, {first.column}: {first.reason}, {first.description}")
                yield progress

    async def send(self, feed: Feed, until: datetime) -> AsyncIterator[Acknowledged]:
        """Send what arrives until an instant; yield what became of each batch."""
        sender = MeteringClient(await self._administrator()).sender(f"simulation-{int(feed.since.timestamp())}-{int(until.timestamp())}")
        async for answer in sender.send(self._series_readings(feed.until(until))):
            yield answer

    def _series_readings(self, blocks: Iterable[Block]) -> Iterator[SeriesReadings]:
        for block in blocks:
            yield SeriesReadings(
                series=Series(
                    metering_point=block.point,
                    channel_id=block.channel,
                    kind=ReadingKind(block.kind.value),
                    unit=self._units[block.point][block.channel],
                ),
                time=block.time,
                duration=block.duration,
                value=block.value,
                quality=block.quality.astype(np.int64),
            )

    async def fill_lighting(self, lighting: Connection) -> AsyncIterator[InventoryImport]:
        """Import cabinets and luminaires, and publish what they do today; yield the progress."""
        async for progress in fill_lighting(self._town, await self._signed_in(ADMINISTRATOR, self._town.territory.id, lighting)):
            yield progress

    async def settle_people(self, now: datetime) -> int:
        """Have the households that consent to being compared move in; return how many did."""
        territory = self._town.territory.id

        async def household(person: PersonId) -> AccessClient:
            return AccessClient(await self._signed_in(person, territory, self._at_access))

        administrator = AccessClient(await self._signed_in(ADMINISTRATOR, territory, self._at_access))
        return await settle(households(self._town, now), administrator, household, territory)

    async def _administrator(self) -> Connection:
        return await self._signed_in(ADMINISTRATOR, self._town.territory.id)

    async def _signed_in(self, person: PersonId, territory: TerritoryId, service: Connection | None = None) -> Connection:
        subject = await self._access.sign_in_locally(person, territory, service=self._service)
        return (service or self._metering).with_tokens(ExchangedTokens(self._access, subject, territory=territory, purpose="simulation"))


def _months_before(day: date, months: int) -> date:
    """Return the first day of the month that lies so many months before."""
    month = day.year * 12 + day.month - 1 - months
    return date(month // 12, month % 12 + 1, 1)
