"""The page on which a household says what its home is like, and proves with a posted code where it lives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeVar

from dashboard.gateway import Gateway
from dashboard.words import Words
from multiflux_client.places import Dwelling, DwellingType, EnergySource, Place
from vocabulary.failure import invalid
from vocabulary.names import PlaceId

E = TypeVar("E", bound=Enum)

_TICKS = ("heating_collective", "hot_water_collective", "solar_panels", "garden")


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """One answer of a list."""

    value: str
    text: str
    chosen: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is asked of a home: a list, a number, or a tick."""

    name: str
    text: str
    options: tuple[Option, ...] = ()
    number: str = ""
    most: int = 0
    ticked: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Home:
    """A home and what is known of it."""

    premise: PlaceId
    name: str
    etag: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class HomePage:
    """Everything that the template shows."""

    homes: tuple[Home, ...]
    simulated: bool


async def home_page(gateway: Gateway, words: Words, homes: Sequence[PlaceId]) -> HomePage:
    """Ask for what is known of a household's homes."""
    territory = await gateway.registry.territory()
    places = [await gateway.registry.place(premise) for premise in homes]
    return HomePage(homes=tuple(_home(words, place) for place in places if place.dwelling), simulated=territory.simulated)


async def declare(gateway: Gateway, form: Mapping[str, str]) -> None:
    """Keep what a household says of its home, unless somebody changed it meanwhile; InvalidRequest, RemoteFailure."""
    premise = PlaceId(form.get("premise", ""))
    before = (await gateway.registry.place(premise)).dwelling or Dwelling()
    told = replace(
        before,
        type=_one_of(DwellingType, form, "type"),
        area_square_metres=_number(form, "area_square_metres"),
        occupants=_number(form, "occupants"),
        heating=_one_of(EnergySource, form, "heating"),
        hot_water=_one_of(EnergySource, form, "hot_water"),
        **{name: form.get(name) == "on" for name in _TICKS},
    )
    await gateway.registry.declare_dwelling(premise, told, etag=form.get("etag", ""))


async def move_in(gateway: Gateway, code: str) -> None:
    """Prove with a posted code where the household lives; RemoteFailure."""
    await gateway.access.claim_occupancy(code.strip())


def _home(words: Words, place: Place) -> Home:
    dwelling = place.dwelling or Dwelling()
    asked = words.home_questions
    return Home(
        premise=place.id,
        name=place.display_name,
        etag=place.etag,
        questions=(
            Question(name="type", text=asked["type"], options=_options(words.dwelling_types, words, dwelling.type)),
            Question(name="area_square_metres", text=asked["area_square_metres"], number=_text(dwelling.area_square_metres), most=2_000),
            Question(name="occupants", text=asked["occupants"], number=_text(dwelling.occupants), most=30),
            Question(name="heating", text=asked["heating"], options=_options(words.energy_sources, words, dwelling.heating)),
            Question(name="heating_collective", text=asked["heating_collective"], ticked=dwelling.heating_collective),
            Question(name="hot_water", text=asked["hot_water"], options=_options(words.energy_sources, words, dwelling.hot_water)),
            Question(name="hot_water_collective", text=asked["hot_water_collective"], ticked=dwelling.hot_water_collective),
            Question(name="solar_panels", text=asked["solar_panels"], ticked=dwelling.solar_panels),
            Question(name="garden", text=asked["garden"], ticked=dwelling.garden),
        ),
    )


def _options(names: Mapping[str, str], words: Words, chosen: Enum | None) -> tuple[Option, ...]:
    unknown = Option(value="", text=words.not_said, chosen=chosen is None)
    return (unknown, *(Option(value=name, text=text, chosen=chosen is not None and chosen.name == name) for name, text in names.items()))


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def _one_of(kind: type[E], form: Mapping[str, str], name: str) -> E | None:
    value = form.get(name, "")
    if not value:
        return None
    try:
        return kind[value]
    except KeyError:
        raise invalid(name, f"{value!r} is not one of the answers") from None


def _number(form: Mapping[str, str], name: str) -> int | None:
    value = form.get(name, "").strip()
    if not value:
        return None
    if not value.isascii() or not value.isdigit():
        raise invalid(name, f"{value!r} is not a whole number")
    return int(value)
