"""How a home stands among similar ones: a sentence per group, the published values behind it, and how the group was chosen."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from babel.dates import format_date

from dashboard.figures import amount, display_unit
from dashboard.gateway import Gateway
from dashboard.panels import css_class
from dashboard.words import Words
from multiflux_client.comparison import Comparison, GroupComparison, GroupCriteria
from multiflux_client.failures import RemoteFailure
from vocabulary.flux import Flux
from vocabulary.names import PlaceId


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupRow:
    """A line of the table: a group, and the values that are published of it, in the home's own amounts."""

    group: str
    size: str
    fifth: str
    median: str
    four_fifths: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What a page shows of one flux: the finding of the nearest group first."""

    css: str
    finding: str
    sentences: tuple[str, ...]
    advice: str
    how: str
    rows: tuple[GroupRow, ...]
    notes: tuple[str, ...] = ()
    """What differential privacy covers of the rows, and what it does not."""


async def standings(gateway: Gateway, words: Words, premise: PlaceId, fluxes: Iterable[Flux]) -> tuple[Standing, ...]:
    """Return how a home stands by each flux that there is something to say of."""
    found = await asyncio.gather(*(_standing(gateway, words, premise, flux) for flux in fluxes))
    return tuple(one for one in found if one is not None)


async def _standing(gateway: Gateway, words: Words, premise: PlaceId, flux: Flux) -> Standing | None:
    try:
        found, how = await asyncio.gather(
            gateway.comparison.mine(flux, premise=premise), gateway.comparison.criteria(flux, premise=premise)
        )
    except RemoteFailure:
        # There is one answer for every reason, and that is to say nothing.
        return None
    return shown(words, found, how)


def shown(words: Words, found: Comparison, how: GroupCriteria) -> Standing:
    """Return what a page shows of a comparison."""
    french = words.language == "fr"
    month = format_date(found.month, format="LLLL yyyy", locale=words.language)
    own = amount(found.own_amount, display_unit(found.quantity, found.own_amount), words.language)
    before = found.year_on_year
    year = () if before is None else (before.sentence_fr if french else before.sentence_en,)
    return Standing(
        css=css_class(found.flux),
        finding=words.neighbours.format(month=f"{month[:1].upper()}{month[1:]}", amount=own, of_flux=words.of_fluxes[found.flux]),
        sentences=(*(group.sentence_fr if french else group.sentence_en for group in found.groups), *year),
        advice=found.advice_fr if french else found.advice_en,
        how=how.text_fr if french else how.text_en,
        rows=tuple(row for group in found.groups for row in _rows(words, found, group)),
        notes=tuple(note for group in found.groups if (note := group.private_note_fr if french else group.private_note_en)),
    )


def _rows(words: Words, found: Comparison, group: GroupComparison) -> Iterator[GroupRow]:
    unit = display_unit(found.quantity, found.own_amount)

    def written(value: int | None) -> str:
        return "—" if value is None else amount(value, unit, words.language)

    release = group.release
    size = f"{release.least_count}–{release.most_count}" if release.most_count else f"≥ {release.least_count}"
    named = group.group_fr if words.language == "fr" else group.group_en
    yield GroupRow(
        group=named,
        size=size,
        fifth=written(group.fifth_amount),
        median=written(group.median_amount),
        four_fifths=written(group.four_fifths_amount),
    )
    if group.private_median_amount is not None:
        yield GroupRow(
            group=words.private_group.format(group=named),
            size=size,
            fifth=written(group.private_fifth_amount),
            median=written(group.private_median_amount),
            four_fifths=written(None),
        )
