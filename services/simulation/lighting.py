"""What a lighting cabinet's meter sees: lamps that burn by the sun and the cabinet's own clock, and the faults of both."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from simulation.draws import Flags, Floats, Ints, Stream
from simulation.faults import Fault, FaultKind
from simulation.luminaires import Cabinet, Luminaire, Switching
from simulation.scene import HALF_HOUR_S, SPOT, Scene
from simulation.sun import sunrise_and_sunset

_NOON = 720
_FIXED_SHARE = 0.06
"""Part of an LED driver's power that dimming does not lower."""
_DECORATION_W = 1_900


@dataclass(frozen=True, kw_only=True, slots=True)
class CabinetLoad:
    """The lamps behind a cabinet, summed."""

    dimmable_w: float
    fixed_w: float
    standby_w: float
    lamps: int

    @classmethod
    def of(cls, luminaires: Sequence[Luminaire]) -> "CabinetLoad":
        """Sum the lamps of one cabinet."""
        dimmable = [one for one in luminaires if one.minimum_level_percent < 100 and not one.crossing]  # per cent
        total = sum(one.rated_power_w for one in luminaires)
        return cls(
            dimmable_w=sum(one.rated_power_w for one in dimmable),
            fixed_w=total - sum(one.rated_power_w for one in dimmable),
            standby_w=sum(one.standby_power_w for one in luminaires),
            lamps=len(luminaires),
        )


def burning_share(cabinet: Cabinet, scene: Scene) -> tuple[Floats, Floats]:
    """Return, by half-hour, which share of it lamps burn, and the level in per cent of those that can dim."""
    switching, days = cabinet.switching, scene.days
    late_s = cabinet.clock_drift_s_per_day * (days.ordinal % 182)
    sunrise, sunset = sunrise_and_sunset(SPOT, days.midnight)
    on = sunset + switching.after_sunset_minutes * 60 + late_s
    off = sunrise - switching.before_sunrise_minutes * 60 + late_s
    evening = np.clip(scene.start + HALF_HOUR_S - on[scene.day], 0, HALF_HOUR_S)
    morning = np.clip(off[scene.day] - scene.start, 0, HALF_HOUR_S)
    night = np.where(scene.minute >= _NOON, evening, morning) / HALF_HOUR_S
    if switching.off_minute is not None:
        night = night * ~_cut(switching, scene)
    deep = (scene.minute >= 1_380) | (scene.minute < 300)  # 23:00 to 5:00
    return night, np.where(deep & ~_feast_night(scene), switching.dimmed_percent, 100)


def cabinet_power_w(cabinet: Cabinet, load: CabinetLoad, faults: Sequence[Fault], scene: Scene) -> Ints:
    """Return mean watts by half-hour."""
    own = [fault for fault in faults if fault.point == cabinet.point]
    night, level = burning_share(cabinet, scene)
    for fault in own:
        if fault.kind is FaultKind.FACADE_LATE:
            # The decree's hour is one; the installer set the clock to a later one.
            wrong = replace(cabinet, switching=replace(cabinet.switching, off_minute=round(60 + fault.size * 60)))
            inside = (scene.start >= fault.start_s) & (scene.start < fault.end_s)
            night = np.where(inside, burning_share(wrong, scene)[0], night)
    by_day, dead = (_fault_size(own, kind, scene) for kind in (FaultKind.LAMPS_BY_DAY, FaultKind.LAMPS_OUT))
    burning = np.where(by_day > 0, 1.0, night)
    alive = 1 - dead / load.lamps
    dimmed = load.dimmable_w * (_FIXED_SHARE + (1 - _FIXED_SHARE) * level / 100)
    ripple = 0.985 + 0.03 * scene.draws.uniform(Stream.LAMP_NOISE, np.array([cabinet.key]), scene.slot)[0]
    idle = (12 + load.standby_w * (1 - burning)) if cabinet.powered_by_day else 4.0
    watts = burning * alive * (dimmed + load.fixed_w) * ripple + idle
    return np.rint(watts + _decoration_w(cabinet, scene, night)).astype(np.int64)


def _cut(switching: Switching, scene: Scene) -> Flags:
    """Tell in which half-hours a partial night is dark; nights to weekend days keep their light two hours longer."""
    off = switching.off_minute or 0
    back = switching.on_minute if switching.on_minute is not None else _NOON
    # Minutes since noon order a night without a seam at midnight.
    since, off_since, back_since = (scene.minute - _NOON) % 1_440, (off - _NOON) % 1_440, (back - _NOON) % 1_440 or 1_440
    evening = np.where(scene.minute >= _NOON, scene.day, scene.day - 1)
    longer = np.isin(scene.days.weekday[evening], (4, 5)) & (switching.on_minute is not None)
    return (since >= off_since + 120 * longer) & (since < back_since) & ~_feast_night(scene)


def _feast_night(scene: Scene) -> Flags:
    """Tell the nights from noon to noon that follow 14 July, 24 and 31 December."""
    evening = np.where(scene.minute >= _NOON, scene.day, scene.day - 1)
    return np.isin(scene.days.year_day[evening], (714, 1224, 1231))


def _fault_size(faults: Sequence[Fault], kind: FaultKind, scene: Scene) -> Floats:
    size = np.zeros(len(scene))
    for fault in faults:
        if fault.kind is kind:
            size = size + fault.size * ((scene.start >= fault.start_s) & (scene.start < fault.end_s))
    return size


def _decoration_w(cabinet: Cabinet, scene: Scene, night: Floats) -> Floats:
    year_day = scene.days.year_day[scene.day]
    hung = ((year_day >= 1203) | (year_day < 107)) & cabinet.decorated  # month × 100 + day
    shown = (scene.minute >= 930) & (scene.minute < 1_410) | _feast_night(scene)  # 15:30 to 23:30
    return _DECORATION_W * 0.35 * hung * shown * night
