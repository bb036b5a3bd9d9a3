"""Comparisons as messages."""

from datetime import date, datetime
from typing import Any

from comparison.domain.atoms import Cohort
from comparison.domain.closing import Formation
from comparison.domain.ports import Charged, Own, Published
from comparison.domain.privacy import BUDGET, DELTA, epsilon_of
from comparison.domain.releases import standing, value_of
from comparison.domain.wording import advice, group_named, private_note, sentence, year_sentence
from comparison.domain.year_on_year import YearOnYear
from multiflux.comparison.v1 import comparison_pb2
from multiflux.type.v1 import flux_pb2, quantity_pb2
from vocabulary.failure import invalid
from vocabulary.flux import Flux, Quantity
from vocabulary.names import PlaceId

_FLUXES = (Flux.ELECTRICITY, Flux.GAS, Flux.WATER)
_MONTHS = 12
_YEARS = range(1970, 3_000)


def flux_from_proto(number: int) -> Flux:
    """Return the flux; InvalidRequest for one that homes are not compared by."""
    if number not in [flux.value for flux in _FLUXES]:
        raise invalid("flux", "must be electricity, gas or water")
    return Flux(number)


def month_from_proto(month: comparison_pb2.Month) -> date:
    """Return the month's first day; InvalidRequest."""
    if not 1 <= month.month <= _MONTHS or month.year not in _YEARS:
        raise invalid("month", f"must be a year from {_YEARS[0]} to {_YEARS[-1]} and a month from 1 to 12")
    return date(month.year, month.month, 1)


def month_to_proto(month: date) -> comparison_pb2.Month:
    """Return the message of a month."""
    return comparison_pb2.Month(year=month.year, month=month.month)


def group_name(flux: Flux, first_month: date, cohort: int) -> str:
    """Return a group's resource name."""
    return f"groups/{flux.name.lower()}-{first_month:%Y-%m}-{cohort}"


def year_from_proto(year: int) -> int:
    """Return the year; InvalidRequest."""
    if year not in _YEARS:
        raise invalid("year", f"must be from {_YEARS[0]} to {_YEARS[-1]}")
    return year


def ledger_to_proto(charged: Charged, flux: Flux, year: int) -> comparison_pb2.PrivacyLedger:
    """Return the message of what private figures come to."""
    return comparison_pb2.PrivacyLedger(
        group=group_name(flux, charged.first_month, charged.cohort),
        year=year,
        figure_count=charged.figures,
        spent_epsilon=epsilon_of(charged.most_charged),
        budget_epsilon=BUDGET,
        delta=DELTA,
    )


def release_to_proto(published: Published, cohort: Cohort, flux: Flux) -> comparison_pb2.Release:
    """Return the message of a release."""
    release = published.release
    message = comparison_pb2.Release(
        group=group_name(flux, published.first_month, published.cohort),
        flux=flux_pb2.Flux.ValueType(flux.value),
        month=month_to_proto(published.month),
        quantity=quantity_pb2.Quantity.ValueType(quantity_of(flux).value),
        median_amount=_amount(release.median),
        fifth_amount=None if release.fifth is None else _amount(release.fifth),
        four_fifths_amount=None if release.four_fifths is None else _amount(release.four_fifths),
        least_count=release.least_count,
        most_count=release.most_count,
        reach=comparison_pb2.Reach.ValueType(cohort.reach.value),
        places=[f"places/{place}" for place in cohort.places],
        private_median_amount=_amount(published.private.median) if published.private else None,
        private_fifth_amount=_amount(published.private.fifth) if published.private else None,
    )
    fill_time(message.publish_time, published.time)
    return message


def group_to_proto(published: Published, formation: Formation, factor: float, own: float) -> comparison_pb2.GroupComparison:
    """Return how a home that used `own` and is expected to use `factor` times what the reference home does stands in a group."""
    cohort, release = formation.cohorts[published.cohort], published.release
    steps = (release.median, release.fifth, release.four_fifths)
    median, fifth, four_fifths = (None if step is None else standing(own / factor, step) for step in steps)
    named, private = group_named(cohort), published.private
    note = private_note() if private else None
    said = sentence(cohort, release, standing(own / factor, release.median), fifth)
    return comparison_pb2.GroupComparison(
        release=release_to_proto(published, cohort, formation.flux),
        group_fr=named.french,
        group_en=named.english,
        median_amount=_amount(release.median, factor),
        fifth_amount=None if release.fifth is None else _amount(release.fifth, factor),
        four_fifths_amount=None if release.four_fifths is None else _amount(release.four_fifths, factor),
        median_standing=comparison_pb2.Standing.ValueType(median.value if median else 0),
        fifth_standing=comparison_pb2.Standing.ValueType(fifth.value if fifth else 0),
        four_fifths_standing=comparison_pb2.Standing.ValueType(four_fifths.value if four_fifths else 0),
        sentence_fr=said.french,
        sentence_en=said.english,
        private_median_amount=_amount(private.median, factor) if private else None,
        private_fifth_amount=_amount(private.fifth, factor) if private else None,
        private_note_fr=note.french if note else "",
        private_note_en=note.english if note else "",
    )


def comparison_to_proto(
    premise: PlaceId,
    month: date,
    flux: Flux,
    own: Own,
    groups: list[comparison_pb2.GroupComparison],
    before: YearOnYear | None,
    *,
    simulated: bool,
) -> comparison_pb2.Comparison:
    """Return the message of a comparison."""
    told = advice(flux, own.attributes)
    return comparison_pb2.Comparison(
        premise=f"places/{premise}",
        flux=flux_pb2.Flux.ValueType(flux.value),
        month=month_to_proto(month),
        quantity=quantity_pb2.Quantity.ValueType(quantity_of(flux).value),
        own_amount=round(own.amounts[month]),
        groups=groups,
        advice_fr=told.french,
        advice_en=told.english,
        simulated=simulated,
        year_on_year=year_on_year_to_proto(flux, before) if before else None,
    )


def year_on_year_to_proto(flux: Flux, found: YearOnYear) -> comparison_pb2.YearOnYear:
    """Return the message of how a home stands beside itself a year before."""
    said = year_sentence(flux, found)
    return comparison_pb2.YearOnYear(
        month=month_to_proto(found.month),
        amount=round(found.amount),
        corrected_amount=None if found.corrected is None else round(found.corrected),
        correction=comparison_pb2.WeatherCorrection.ValueType(found.correction.value),
        sentence_fr=said.french,
        sentence_en=said.english,
    )


def quantity_of(flux: Flux) -> Quantity:
    """Return what is counted of a flux."""
    return Quantity.VOLUME if flux is Flux.WATER else Quantity.ENERGY


def _amount(step: int, factor: float = 1.0) -> int:
    return round(value_of(step) * factor)


def fill_time(timestamp: Any, at: datetime) -> None:
    """Set a timestamp."""
    timestamp.FromDatetime(at)
