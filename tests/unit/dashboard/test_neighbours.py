"""What a page shows of a comparison."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from dashboard.neighbours import shown
from dashboard.words import ENGLISH, FRENCH, Words
from multiflux_client.comparison import Comparison, GroupComparison, GroupCriteria, Reach, Release, Standing
from vocabulary.flux import Flux, Quantity
from vocabulary.names import PlaceId

CUBIC_METRE = 1_000_000


def comparison() -> Comparison:
    release = Release(
        group="groups/a",
        flux=Flux.WATER,
        month=date(2026, 10, 1),
        quantity=Quantity.VOLUME,
        median_amount=9 * CUBIC_METRE,
        fifth_amount=None,
        four_fifths_amount=None,
        least_count=20,
        most_count=39,
        reach=Reach.STREET,
        places=(PlaceId("street"),),
        publish_time=datetime(2026, 11, 11, tzinfo=UTC),
    )
    group = GroupComparison(
        release=release,
        group_fr="votre rue",
        group_en="your street",
        median_amount=8 * CUBIC_METRE,
        fifth_amount=None,
        four_fifths_amount=None,
        median_standing=Standing.BELOW,
        fifth_standing=None,
        four_fifths_standing=None,
        sentence_fr="Vous consommez moins.",
        sentence_en="You use less.",
    )
    return Comparison(
        premise=PlaceId("flat"),
        flux=Flux.WATER,
        month=date(2026, 10, 1),
        quantity=Quantity.VOLUME,
        own_amount=5 * CUBIC_METRE,
        groups=(group,),
        advice_fr="Une douche courte.",
        advice_en="A short shower.",
        simulated=True,
    )


CRITERIA = GroupCriteria(terms={}, fitted_home_count=0, own_factor=1.0, text_fr="Ainsi.", text_en="So.", end_month=date(2027, 1, 1))


@pytest.mark.parametrize(
    ("words", "finding", "sentence", "how", "median"),
    [
        (FRENCH, "Octobre 2026 : vous avez consommé 5 m³ d’eau", "Vous consommez moins.", "Ainsi.", "8 m³"),
        (ENGLISH, "October 2026: you used 5 m³ of water", "You use less.", "So.", "8 m³"),
    ],
)
def test_a_household_reads_its_own_month_its_group_and_what_is_not_published(
    words: Words, finding: str, sentence: str, how: str, median: str
) -> None:
    found = shown(words, comparison(), CRITERIA)
    assert found.finding.replace("\u202f", " ") == finding
    assert (found.sentences, found.how) == ((sentence,), how)
    (row,) = found.rows
    assert (row.size, row.fifth, row.median.replace("\u202f", " "), row.four_fifths) == ("20–39", "—", median, "—")


@pytest.mark.parametrize(
    ("words", "group", "note"),
    [(FRENCH, "votre commune, tirage bruité", "Sans le reste."), (ENGLISH, "your commune, drawn with noise", "Not the rest.")],
)
def test_values_under_differential_privacy_have_a_line_and_a_note_of_their_own(words: Words, group: str, note: str) -> None:
    made = comparison()
    commune = replace(
        made.groups[0],
        group_fr="votre commune",
        group_en="your commune",
        private_median_amount=7 * CUBIC_METRE,
        private_fifth_amount=4 * CUBIC_METRE,
        private_note_fr="Sans le reste.",
        private_note_en="Not the rest.",
    )
    found = shown(words, replace(made, groups=(*made.groups, commune)), CRITERIA)
    assert found.notes == (note,)
    drawn = found.rows[2]
    written = [value.replace("\u202f", " ") for value in (drawn.fifth, drawn.median, drawn.four_fifths)]
    assert (drawn.group, *written) == (group, "4 m³", "7 m³", "—")
