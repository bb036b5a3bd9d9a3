"""What the panel model can be tuned by; the defaults are those that the benchmark scores."""

from dataclasses import dataclass

QUANTILES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
"""The intervals of 50, 80 and 95 %, and the median."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PanelRules:
    """How the panel model is fitted to slots of one length.

    slots_per_day: 24 or 1. horizon: in slots. half_life_days: after so long a reading weighs half; other_half_lives: of further fits, whose
    differences are features of the correction. analogue_half_lives, likeness_celsius: how near in time and felt temperature like days are.
    bends_celsius: where the response to temperature bends, below each for heating, above the last for cooling. smoothings_h: over how long
    buildings feel the temperature. slot_, hour_, year_, heat_penalty: the strength of each group of columns' shrinkage, in readings.
    origins: how many past origins the corrections and intervals learn from, `stride_days` apart; the first has `first_days` of history.
    buckets: where horizons are cut for corrections, in slots. own: how far everybody's weights outweigh a point's own.
    correction_penalty: the shrinkage of everybody's. sweeps: how often gaps are filled anew where there are too few other points to go by;
    near_days: after so long what a point did beside others counts half for a gap. least_days: of readings that a point needs. youth: how
    much wider the intervals of a point without a past are; after `grown_days` it counts as known. passes: steps towards the least absolute
    error; nearly: errors below this share of a point's usual amount count as small.
    """

    slots_per_day: int
    horizon: int
    half_life_days: float
    other_half_lives: tuple[float, ...]
    analogue_half_lives: tuple[float, ...]
    likeness_celsius: float
    bends_celsius: tuple[float, ...]
    smoothings_h: tuple[float, ...]
    slot_penalty: float
    hour_penalty: float
    year_penalty: float
    heat_penalty: float
    origins: int
    stride_days: int
    first_days: int
    buckets: tuple[int, ...]
    own: float
    correction_penalty: float
    sweeps: int
    least_days: int
    near_days: float = 10.0
    youth: float = 0.2
    grown_days: int = 90
    passes: int = 2
    nearly: float = 0.2


HOURLY = PanelRules(
    slots_per_day=24,
    horizon=168,
    half_life_days=20.0,
    other_half_lives=(8.0, 120.0),
    analogue_half_lives=(10.0, 60.0, 300.0),
    likeness_celsius=2.0,
    bends_celsius=(6.0, 15.0, 20.0),
    smoothings_h=(10.0, 60.0),
    slot_penalty=7.0,
    hour_penalty=1.0,
    year_penalty=1000.0,
    heat_penalty=3.0,
    origins=40,
    stride_days=6,
    first_days=42,
    buckets=(24, 168),
    own=0.4,
    correction_penalty=100.0,
    sweeps=3,
    least_days=14,
    nearly=0.4,
)

DAILY = PanelRules(
    slots_per_day=1,
    horizon=31,
    half_life_days=30.0,
    other_half_lives=(400.0,),
    analogue_half_lives=(10.0, 40.0),
    likeness_celsius=2.0,
    bends_celsius=(6.0, 15.0, 20.0),
    smoothings_h=(24.0,),
    slot_penalty=4.0,
    hour_penalty=1.0,
    year_penalty=300.0,
    heat_penalty=0.3,
    origins=53,
    stride_days=6,
    first_days=70,
    buckets=(7, 31),
    own=1.0,
    correction_penalty=30.0,
    sweeps=3,
    least_days=28,
    passes=3,
    nearly=0.1,
)
