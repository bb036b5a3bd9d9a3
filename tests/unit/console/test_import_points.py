"""Series of files find their metering points and channels, or what is missing is said."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field, replace
from typing import Any, cast

import grpc
import pytest

from collector.domain import parsed
from console.mappings import Mappings, MappingUnknown
from console.metering_points import Making, MeteringPoints, Unmatched, matching, with_channels
from multiflux_client.failures import RemoteFailure
from multiflux_client.places import Identifier
from multiflux_client.points import Channel, MeteringPoint
from multiflux_client.readings import Series
from multiflux_client.registry import RegistryClient
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.names import PlaceId, PointId

ENERGY = parsed.Channel(flux=Flux.ELECTRICITY, quantity=Quantity.ENERGY)
TOTAL = replace(ENERGY, register_set="total")
INJECTED = replace(TOTAL, direction=Direction.INJECTION)
PEAK = replace(ENERGY, register_set="supplier", tariff_slot="F1")
GAS = parsed.Channel(flux=Flux.GAS, quantity=Quantity.ENERGY)
GAS_VOLUME = replace(GAS, quantity=Quantity.VOLUME)
IMPORT = Channel(channel_id="import", quantity=Quantity.ENERGY, direction=Direction.IMPORT, register_set="total")


def series(value: str, channel: parsed.Channel = ENERGY) -> parsed.Series:
    return parsed.Series(identifier=parsed.Identifier(scheme="prm", value=value), channel=channel, kind=parsed.ReadingKind.INTERVAL)


def point(value: str, *channels: Channel, name: str = "", flux: Flux = Flux.ELECTRICITY) -> MeteringPoint:
    identifiers = (Identifier(scheme="prm", value=value),)
    return MeteringPoint(id=PointId(name or f"point-{value}"), flux=flux, identifiers=identifiers, channels=channels)


@dataclass
class Registry:
    """Keeps metering points as the service does, counts questions, and is busy as often as it is told."""

    points: list[MeteringPoint] = field(default_factory=list[MeteringPoint])
    questions: int = 0
    busy: int = 0

    async def metering_points(self, *, identifier: Identifier | None = None) -> AsyncIterator[MeteringPoint]:
        self.questions += 1
        if self.busy:
            self.busy -= 1
            raise RemoteFailure("", code=grpc.StatusCode.RESOURCE_EXHAUSTED, reason="RATE_LIMITED", retry_delay_s=0.001)
        if identifier is not None and identifier.value == "invalid":
            raise RemoteFailure("", code=grpc.StatusCode.INVALID_ARGUMENT, reason="INVALID_REQUEST")
        for one in self.points:
            if identifier in (None, *one.identifiers):
                yield one

    async def create_metering_point(self, point: MeteringPoint) -> MeteringPoint:
        self.points.append(replace(point, id=PointId(f"made-{len(self.points)}")))
        return self.points[-1]

    async def update_metering_point(self, point: MeteringPoint, *, fields: Collection[str]) -> MeteringPoint:
        assert tuple(fields) == ("channels",)
        self.points = [point if one.id == point.id else one for one in self.points]
        return point


def finder(registry: Registry, *, points_at: str = "", channels: bool = False) -> MeteringPoints:
    making = Making(points_at=PlaceId(points_at) if points_at else None, channels=channels)
    return MeteringPoints(cast("RegistryClient", cast("Any", registry)), making)


async def reason(registry: Registry, wanted: parsed.Series) -> str:
    found = (await finder(registry).resolve([wanted]))[wanted]
    assert isinstance(found, Unmatched)
    assert wanted.identifier.value not in found.description
    return found.reason


async def test_a_series_finds_its_channel_whether_its_whole_is_called_total_or_nothing() -> None:
    found = await finder(Registry([point("1", IMPORT)])).resolve([series("1"), series("1", TOTAL)])
    assert [(one.metering_point, one.channel_id) for one in found.values() if isinstance(one, Series)] == [("point-1", "import")] * 2


async def test_what_has_no_place_to_go_says_why() -> None:
    registry = Registry(
        [
            point("8801", name="mairie"),
            point("8802", IMPORT, name="twin-a"),
            point("8802", IMPORT, name="twin-b"),
            point("8803", name="gaz", flux=Flux.GAS),
        ]
    )
    assert await reason(registry, series("8801", PEAK)) == "CHANNEL_MISSING"
    assert await reason(registry, series("8802")) == "AMBIGUOUS_IDENTIFIER"
    assert await reason(registry, series("8803")) == "FLUX_MISMATCH"
    assert await reason(registry, series("8804")) == "UNKNOWN_IDENTIFIER"
    assert await reason(registry, series("invalid")) == "INVALID_IDENTIFIER"


async def test_unknown_points_are_made_once_with_the_channels_that_they_need() -> None:
    registry = Registry()
    points = finder(registry, points_at="mairie", channels=True)
    await points.resolve([series("1", TOTAL), series("1", PEAK), series("1")])
    await points.resolve([series("1", INJECTED), series("1")])
    (made,) = registry.points
    assert [channel.channel_id for channel in made.channels] == ["import", "f1", "injection"]
    assert [one.place for one in made.places] == ["mairie"]
    assert (points.created_points, points.created_channels) == (1, 1)


async def test_a_known_point_keeps_its_channels_when_others_are_added() -> None:
    registry = Registry([point("1", IMPORT)])
    await finder(registry, channels=True).resolve([series("1", PEAK), series("unknown")])
    (changed,) = registry.points
    assert changed.channels[0] == IMPORT
    assert [channel.channel_id for channel in changed.channels] == ["import", "f1"]


@pytest.mark.parametrize("known", [0, 150])
async def test_many_identifiers_are_asked_for_at_once(known: int) -> None:
    registry = Registry([point(f"{number:03}", IMPORT) for number in range(known)])
    found = await finder(registry).resolve([series(f"{number:03}") for number in range(200)])
    assert sum(isinstance(one, Series) for one in found.values()) == known
    assert registry.questions == 1


async def test_a_service_that_is_asked_too_often_is_asked_again_later() -> None:
    registry = Registry([point("1", IMPORT)], busy=3)
    assert isinstance((await finder(registry).resolve([series("1")]))[series("1")], Series)
    assert registry.questions == 4


def test_channels_are_named_as_the_platform_names_them() -> None:
    added = with_channels((), [GAS_VOLUME, GAS])
    assert [channel.channel_id for channel in added] == ["volume", "energy"]
    power = parsed.Channel(flux=Flux.ELECTRICITY, quantity=Quantity.MAXIMUM_POWER)
    slots = [replace(ENERGY, register_set=name, tariff_slot="HP") for name in ("supplier", "distributor")]
    assert [channel.channel_id for channel in with_channels((), [power, *slots])] == ["maximum-power", "hp", "distributor-hp"]
    injected_slot = replace(INJECTED, register_set="supplier", tariff_slot="F1")
    assert with_channels((), [injected_slot])[0].channel_id == "injection-f1"


def test_register_sets_of_slots_are_not_the_whole() -> None:
    assert matching([IMPORT], PEAK) is None
    assert matching([IMPORT], INJECTED) is None


def test_a_mapping_that_is_not_kept_is_named_with_those_that_are(tmp_path: Any) -> None:
    with pytest.raises(MappingUnknown, match="kept are: none"):
        Mappings(tmp_path).load("eau")
