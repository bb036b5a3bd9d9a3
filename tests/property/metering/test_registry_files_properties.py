"""What registry files write, they read: for every place, point and row there can be."""

import io
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from metering.adapters.registry_csv import CsvFiles
from metering.adapters.registry_geojson import GeojsonFiles
from metering.domain.registry.drafts import Refused
from metering.domain.registry.failures import FileRefused
from metering.domain.registry.geometry import Position, normalised
from metering.domain.registry.identifiers import Identifier
from metering.domain.registry.importing_places import plan_places
from metering.domain.registry.importing_points import plan_points
from metering.domain.registry.places import Place, PlaceParent
from metering.domain.registry.points import Channel, Contract, Device, MeteringPoint, OffPeakWindow, PointParent, PointPlace
from metering.domain.registry.premises import Dwelling, DwellingType, EnergySource, OpeningHours, PublicSite, SiteUse, Vacancy
from metering.domain.registry.reference_rows import PriceComponent, PriceUnit, ReferenceRow, SchoolHoliday, TariffPrice
from metering.wire.places import place_document, place_from_document
from metering.wire.points import point_document, point_from_document
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, PointId, TerritoryId
from vocabulary.place import PlaceLevel

ROOT = PlaceId("root")
TERRITORY = TerritoryId("t")
ABOVE = PointId("above-" + "x" * 40)
ZONES = st.sampled_from([ZoneInfo("Europe/Paris"), ZoneInfo("Indian/Reunion"), ZoneInfo("America/Cayenne")])
FILES = st.sampled_from([CsvFiles(), GeojsonFiles()])

lines = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=20)
words = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=12)
identifiers = st.builds(Identifier, scheme=st.sampled_from(["x", "water-contract", "serial"]), value=words)
ids = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
instants = st.one_of(
    st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the bounds are naive here
    st.dates(date(1990, 1, 1), date(2060, 1, 1)).map(lambda day: datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("Europe/Paris"))),
)


@st.composite
def validities(draw: st.DrawFn, most: int = 3) -> list[Validity]:
    """Validities that share no instant, in order."""
    bounds = sorted(draw(st.sets(instants, min_size=0, max_size=2 * most)))
    chosen = [Validity(start=start, end=end) for start, end in pairwise(bounds)][::2]
    if not bounds:
        return [Validity()]
    return [*chosen, Validity(start=bounds[-1])] if draw(st.booleans()) else [Validity(end=bounds[0]), *chosen[1:]]


@st.composite
def outlines(draw: st.DrawFn) -> str:
    numbers = st.floats(-80, 80, allow_nan=False)
    corners = draw(st.lists(st.tuples(numbers, numbers).map(list), min_size=3, max_size=5))
    return normalised({"type": "Polygon", "coordinates": [[*corners, corners[0]]]})


dwellings = st.builds(
    Dwelling,
    type=st.none() | st.sampled_from(DwellingType),
    area_square_metres=st.none() | st.integers(1, 2000),
    occupants=st.none() | st.integers(1, 30),
    heating=st.none() | st.sampled_from(EnergySource),
    heating_collective=st.booleans(),
    hot_water=st.none() | st.sampled_from(EnergySource),
    garden=st.booleans(),
    vacancies=validities().map(lambda when: tuple(Vacancy(validity=v) for v in when)),
)
hours = st.builds(
    OpeningHours,
    weekday=st.integers(1, 7),
    start_minute=st.integers(0, 700),
    end_minute=st.integers(701, 1440),
    in_school_holidays=st.booleans(),
)
sites = st.builds(
    PublicSite,
    use=st.none() | st.sampled_from(SiteUse),
    area_square_metres=st.none() | st.integers(1, 10**6),
    opening_hours=st.lists(hours, max_size=3, unique_by=lambda h: h.weekday).map(tuple),
)


@st.composite
def places(draw: st.DrawFn) -> Place:
    when = draw(validities())
    return Place(
        place_id=PlaceId(draw(ids.filter(lambda name: name != "root"))),
        level=PlaceLevel.PREMISE,
        display_name=draw(lines),
        parents=tuple(PlaceParent(parent=ROOT, validity=v) for v in when),
        position=draw(st.none() | st.builds(Position, latitude=st.floats(-90, 90), longitude=st.floats(-180, 180))),
        outline=draw(st.just("") | outlines()),
        identifiers=tuple(draw(st.lists(identifiers, max_size=3, unique=True))),
        premise=draw(st.none() | dwellings | sites),
        position_in_parent=draw(st.integers(0, 100)),
        simulated=draw(st.booleans()),
    )


windows = st.builds(OffPeakWindow, start_minute=st.integers(0, 700), end_minute=st.integers(701, 1439)) | st.builds(
    OffPeakWindow,
    start_minute=st.integers(800, 1439),
    end_minute=st.integers(0, 700),
    first_month=st.integers(1, 12),
    last_month=st.integers(1, 12),
)
numbers = st.integers(0, 10**12)


def _channel_id(channel: Channel) -> str:
    return channel.channel_id


def _meaning(channel: Channel) -> tuple[Direction, str, str]:
    return channel.direction, channel.register_set, channel.tariff_slot


@st.composite
def points(draw: st.DrawFn) -> MeteringPoint:
    dated = validities()
    channel = st.builds(
        Channel,
        channel_id=ids,
        quantity=st.just(Quantity.ENERGY),
        direction=st.sampled_from(Direction),
        register_set=lines,
        tariff_slot=lines,
    )
    channels = draw(st.lists(channel, min_size=1, max_size=3, unique_by=(_channel_id, _meaning)))
    return MeteringPoint(
        point_id=PointId(draw(ids)),
        flux=Flux.ELECTRICITY,
        display_name=draw(lines),
        identifiers=tuple(draw(st.lists(identifiers, max_size=3, unique=True))),
        places=tuple(PointPlace(place=ROOT, validity=v) for v in draw(dated)),
        parents=tuple(PointParent(parent=ABOVE, validity=v) for v in draw(st.just([]) | dated)),
        channels=tuple(channels),
        devices=tuple(
            Device(
                serial=draw(lines),
                digits=draw(st.integers(0, 18)),
                register_unit=draw(numbers),
                pulse_weight=draw(numbers),
                maximum_rate=draw(numbers),
                volume_corrected=draw(st.booleans()),
                validity=v,
            )
            for v in draw(dated)
        ),
        contracts=tuple(
            Contract(
                validity=v,
                subscribed_power_va=draw(st.integers(0, 10**6)),
                tariff=draw(lines),
                off_peak_windows=tuple(draw(st.lists(windows, max_size=2))),
                reference=draw(lines),
            )
            for v in draw(dated)
        ),
    )


class Nothing:
    """A store that holds the root and one point above all others; what it is asked by position tells which."""

    def __getattr__(self, name: str) -> Any:
        return {"levels": self._levels, "fluxes": self._fluxes}.get(name, lambda *_: {})

    def _levels(self, _: Any, asked: Any) -> dict[Any, Any]:
        return {place: PlaceLevel.TERRITORY for place in asked if place == ROOT}

    def _fluxes(self, _: Any, asked: Any) -> dict[Any, Any]:
        return {point: Flux.ELECTRICITY for point in asked if point == ABOVE}


STORE: Any = Nothing()


@given(place=places(), zone=ZONES, files=FILES)
@settings(deadline=None)
def test_a_place_that_is_written_is_read_as_it_was(place: Place, zone: ZoneInfo, files: Any) -> None:
    file = b"".join(files.written_places(iter([[place]]), zone, ROOT))
    drafts = list(files.places(io.BytesIO(file), zone))
    batch = plan_places(drafts, STORE, TERRITORY, ROOT, new_id=lambda: "none", seen={})
    assert (batch.refused, batch.waiting) == ([], [])
    read = batch.created[place.place_id]
    assert read == place


@given(point=points(), zone=ZONES, files=FILES)
@settings(deadline=None)
def test_a_point_that_is_written_is_read_as_it_was(point: MeteringPoint, zone: ZoneInfo, files: Any) -> None:
    file = b"".join(files.written_points(iter([[point]]), zone))
    drafts = list(files.points(io.BytesIO(file), zone))
    batch = plan_points(drafts, STORE, STORE, TERRITORY, new_id=lambda: "none", seen={})
    assert (batch.refused, batch.waiting) == ([], [])
    assert batch.created[point.point_id] == point


@given(place=places())
@settings(deadline=None)
def test_a_place_that_is_kept_comes_back_as_it_was_and_is_written_the_same_again(place: Place) -> None:
    document = place_document(place)
    assert place_from_document(document) == place
    assert place_document(place_from_document(document)) == document


@given(point=points())
@settings(deadline=None)
def test_a_point_that_is_kept_comes_back_as_it_was_and_is_written_the_same_again(point: MeteringPoint) -> None:
    document = point_document(point)
    assert point_from_document(document) == point
    assert point_document(point_from_document(document)) == document


days = st.dates(date(2000, 1, 1), date(2050, 1, 1))
prices = st.builds(
    TariffPrice,
    tariff=words,
    flux=st.sampled_from(Flux),
    component=st.sampled_from(PriceComponent),
    tariff_slot=lines,
    price_micros=st.integers(-(10**12), 10**12),
    currency_code=st.just("EUR"),
    unit=st.sampled_from(PriceUnit),
    vat_percent=st.floats(0, 100),
)
sources = words.filter(lambda text: text == text.strip())


@given(content=prices | st.builds(SchoolHoliday, zone=words, display_name=words), first=days, length=st.integers(1, 400), source=sources)
@settings(deadline=None)
def test_a_reference_row_that_is_written_is_read_as_it_was(content: Any, first: date, length: int, source: str) -> None:
    row = ReferenceRow(content=content, first=first, end=first + timedelta(days=length), source=source)
    files = CsvFiles()
    drafts = list(files.rows(io.BytesIO(b"".join(files.written_rows([row], row.table))), row.table))
    assert [draft if isinstance(draft, Refused) else draft.content for draft in drafts] == [row]


HEADERS = st.sampled_from([b"", b"id,identifiers\n", b'{"features":[', b'{"features":[{"type":"Feature","properties":{"id":'])


@given(header=HEADERS, file=st.binary(max_size=300) | st.text(max_size=300).map(str.encode), files=FILES)
@settings(deadline=None)
def test_no_file_whatever_it_holds_does_more_than_to_be_refused(header: bytes, file: bytes, files: Any) -> None:
    for read in (files.places, files.points):
        reasons: set[str] = set()
        with suppress(FileRefused):
            reasons = {draft.reason for draft in read(io.BytesIO(header + file), ZoneInfo("Europe/Paris")) if isinstance(draft, Refused)}
        assert all(reason.isupper() for reason in reasons)
