"""Who lives where and when, and what they allow with the readings of their meters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

import numpy as np

from simulation.draws import Ints
from simulation.homes import NEVER, Homes
from simulation.naming import person_name, slug
from simulation.scene import ZONE
from vocabulary.civil import Granularity, local_midnight
from vocabulary.flux import Flux
from vocabulary.interval import Validity
from vocabulary.names import PersonId, PlaceId, PointId

_FINE_SHARE = 0.46
"""Share of households that consent to half-hours."""
_PROOF = {
    "fr": "Je consens à l'usage des relevés de ce compteur par la collectivité pour : {purpose}. Je peux le retirer quand je veux.",
    "en": "I consent to the authority using the readings of this meter to: {purpose}. I may withdraw this consent at any time.",
}


class Purpose(Enum):
    """What readings may be used for, with the numbers of the access contract."""

    DISPLAY_DAILY = 1
    DISPLAY_SUBDAILY = 2
    ADVICE = 3
    PEER_COMPARISON = 4
    FORECAST = 5


_WORDS = {
    Purpose.DISPLAY_DAILY: {"fr": "me montrer mes consommations par jour", "en": "show me my consumption by day"},
    Purpose.DISPLAY_SUBDAILY: {
        "fr": "me montrer mes consommations par heure ou demi-heure",
        "en": "show me my consumption by hour or half-hour",
    },
    Purpose.ADVICE: {"fr": "me conseiller", "en": "give me advice"},
    Purpose.PEER_COMPARISON: {"fr": "établir des comparaisons anonymes entre logements", "en": "make anonymous comparisons between homes"},
    Purpose.FORECAST: {"fr": "prévoir mes consommations", "en": "forecast my consumption"},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """The person who speaks for a household."""

    id: PersonId
    display_name: str
    email: str
    language_code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Occupancy:
    """A person lives in a premise."""

    id: str
    person: PersonId
    premise: PlaceId
    validity: Validity


@dataclass(frozen=True, kw_only=True, slots=True)
class Consent:
    """A person allows one use of the readings of one point."""

    id: str
    person: PersonId
    point: PointId
    purpose: Purpose
    granularity: Granularity
    validity: Validity
    proof_text: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class People:
    """All households, and the days on which half-hours may be kept: (homes, 2), ordinals from, until; empty where from = until."""

    people: tuple[Person, ...]
    occupancies: tuple[Occupancy, ...]
    consents: tuple[Consent, ...]
    fine_from: Ints
    fine_until: Ints


@dataclass(frozen=True, kw_only=True, slots=True)
class _Household:
    home: int
    turn: int
    """0 for the household that lived there first, 1 for the next."""
    begin: int
    end: int
    """Ordinals."""


def built_people(
    seed: int, homes: Homes, premises: Sequence[PlaceId], points: Sequence[Sequence[tuple[Flux, PointId]]], start: date, end: date
) -> People:
    """Return who lives in the homes; `points` are those of each home."""
    rng = np.random.default_rng([seed, 2])
    people, occupancies, consents = list[Person](), list[Occupancy](), list[Consent]()
    fine_from, fine_until = np.zeros((len(homes), 2), np.int64), np.zeros((len(homes), 2), np.int64)
    for household in _households(rng, homes, start):
        person = _person(rng, len(people) + 1)
        people.append(person)
        premise = premises[household.home]
        validity = validity_of_days(household.begin, household.end)
        occupancies.append(Occupancy(id=f"o{len(people):05}", person=person.id, premise=premise, validity=validity))
        purposes = _purposes(rng, second_home=bool(homes.second_home[household.home]))
        begin, until = _consent_days(rng, household, start, end)
        if Purpose.DISPLAY_SUBDAILY in purposes and begin < until:
            fine_from[household.home, household.turn], fine_until[household.home, household.turn] = begin, until
        if begin < until:
            consents.extend(_consents(person, points[household.home], purposes, validity_of_days(begin, until)))
    return People(
        people=tuple(people), occupancies=tuple(occupancies), consents=tuple(consents), fine_from=fine_from, fine_until=fine_until
    )


def _households(rng: np.random.Generator, homes: Homes, start: date) -> Iterator[_Household]:
    before = start.toordinal() - np.rint(rng.gamma(1.6, 1_500, len(homes))).astype(np.int64) - 30
    for home in range(len(homes)):
        leave, enter = int(homes.leave_day[home]), int(homes.enter_day[home])
        if leave > 0:
            yield _Household(home=home, turn=0, begin=int(before[home]), end=leave)
        if enter < NEVER:
            yield _Household(home=home, turn=1, begin=enter, end=NEVER)


def _person(rng: np.random.Generator, number: int) -> Person:
    name = person_name(rng)
    language = "en" if rng.random() < 0.04 else "fr"  # one household in 25
    return Person(
        id=PersonId(f"p{number:05}"),
        display_name=name,
        email=f"{slug(name).replace('-', '.')}.{number}@exemple.invalid",
        language_code=language,
    )


def _purposes(rng: np.random.Generator, *, second_home: bool) -> tuple[Purpose, ...]:
    """Return what a household consents to: fine figures only with daily ones, advice only with figures."""
    willing, other = rng.random(), rng.random(3)
    if second_home:
        willing = 0.5 + willing
    fine, daily = willing < _FINE_SHARE, willing < 0.68  # two in three
    chosen = {
        Purpose.DISPLAY_DAILY: daily,
        Purpose.DISPLAY_SUBDAILY: fine,
        Purpose.ADVICE: daily and other[0] < 0.5,  # half of them
        Purpose.PEER_COMPARISON: other[1] < 0.72,  # most
        Purpose.FORECAST: daily and other[2] < 0.62,  # most of them
    }
    return tuple(purpose for purpose, wanted in chosen.items() if wanted)


def _consent_days(rng: np.random.Generator, household: _Household, start: date, end: date) -> tuple[int, int]:
    """Return from when until when a household consents: most before the first day, some during the year; a few withdraw."""
    drawn = rng.random(3)
    begin = household.begin
    if household.turn == 0:
        joined = start.toordinal() + (
            round(drawn[0] * (end - start).days) if drawn[1] < 0.16 else -round(25 * drawn[0])
        )  # one in six joins late
        begin = max(begin, joined)
    elif drawn[1] < 0.5:  # half of the newcomers think about it first
        begin += round(28 * drawn[0]) + 1
    until = household.end
    if drawn[2] < 0.03:  # three in a hundred
        until = min(until, begin + 40 + round(200 * drawn[0]))
    return begin, until


def _consents(
    person: Person, points: Sequence[tuple[Flux, PointId]], purposes: tuple[Purpose, ...], validity: Validity
) -> Iterator[Consent]:
    for flux, point in points:
        for purpose in purposes:
            if purpose is Purpose.DISPLAY_SUBDAILY and flux is Flux.GAS:
                continue  # gas is read by the day
            yield Consent(
                id=f"{person.id}-{flux.name[0].lower()}{purpose.value}",
                person=person.id,
                point=point,
                purpose=purpose,
                granularity=_granularity(purpose, flux),
                validity=validity,
                proof_text=_PROOF[person.language_code].format(purpose=_WORDS[purpose][person.language_code]),
            )


def _granularity(purpose: Purpose, flux: Flux) -> Granularity:
    match purpose:
        case Purpose.DISPLAY_SUBDAILY:
            return Granularity.THIRTY_MINUTES if flux is Flux.ELECTRICITY else Granularity.HOUR
        case Purpose.PEER_COMPARISON:
            return Granularity.MONTH
        case Purpose.DISPLAY_DAILY | Purpose.ADVICE | Purpose.FORECAST:
            return Granularity.DAY


def validity_of_days(begin: int, end: int) -> Validity:
    """Return the civil days between two ordinals; 0 and `NEVER` are open."""
    return Validity(start=None if begin <= 0 else _midnight(begin), end=None if end >= NEVER else _midnight(end))


def _midnight(ordinal: int) -> datetime:
    return local_midnight(date.fromordinal(ordinal), ZONE)
