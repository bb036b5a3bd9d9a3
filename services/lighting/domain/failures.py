"""How the rules of lighting say no."""

from vocabulary.failure import Failure, FieldViolation, Kind


class Unfit(Failure):
    """A value cannot be; the field is named."""

    reason, kind = "UNFIT", Kind.INVALID

    def __init__(self, field: str, description: str, **metadata: str) -> None:
        """Name the field by its path, and say what is wrong with it."""
        super().__init__(f"{field}: {description}", violations=(FieldViolation(field=field, description=description),), **metadata)


class LevelOutOfRange(Unfit):
    """A level is a whole per cent from 0 to 100."""

    reason, kind = "LEVEL_OUT_OF_RANGE", Kind.INVALID


class RuleEmpty(Unfit):
    """A rule of a calendar matches no night."""

    reason, kind = "RULE_EMPTY", Kind.INVALID


class RuleOverlapped(Unfit):
    """Earlier rules of the calendar match every night of this one, so it never applies."""

    reason, kind = "RULE_OVERLAPPED", Kind.INVALID


class PeriodsOverlap(Unfit):
    """Two periods, or two switch points, of a programme claim the same time."""

    reason, kind = "PERIODS_OVERLAP", Kind.INVALID


class PeriodEmpty(Unfit):
    """A programme, or a period of it, holds no time."""

    reason, kind = "PERIOD_EMPTY", Kind.INVALID


class TimePast(Unfit):
    """A command or plan would begin in the past."""

    reason, kind = "TIME_PAST", Kind.INVALID


class ScopeEmpty(Unfit):
    """A command, derogation or question names no luminaire."""

    reason, kind = "SCOPE_EMPTY", Kind.INVALID


class NotFound(Failure):
    """What the request names does not exist here."""

    reason, kind = "NOT_FOUND", Kind.MISSING


class UnknownLamp(Failure):
    """There is no such luminaire."""

    reason, kind = "UNKNOWN_LUMINAIRE", Kind.MISSING


class UnknownCabinet(Failure):
    """There is no such cabinet."""

    reason, kind = "UNKNOWN_CABINET", Kind.MISSING


class AlreadyThere(Failure):
    """It exists already: send its etag to change it."""

    reason, kind = "ALREADY_THERE", Kind.EXISTS


class Stale(Failure):
    """Somebody changed it since the sender read it: read again, then retry."""

    reason, kind = "ETAG_STALE", Kind.STALE


class InUse(Failure):
    """Something refers to it, so it cannot be deleted."""

    reason, kind = "IN_USE", Kind.CONFLICT


class LampInTwoGroups(Failure):
    """A luminaire follows one group alone."""

    reason, kind = "LUMINAIRE_IN_TWO_GROUPS", Kind.CONFLICT


class NotRehearsed(Failure):
    """What would be published was not rehearsed as it is now."""

    reason, kind = "NOT_REHEARSED", Kind.CONFLICT


class LockedOut(Failure):
    """Works are going on: every command is refused."""

    reason, kind = "LOCKED_OUT", Kind.CONFLICT


class CommandOver(Failure):
    """The command has ended already."""

    reason, kind = "COMMAND_OVER", Kind.CONFLICT


class NotMetered(Failure):
    """Nothing measures the cabinet."""

    reason, kind = "NOT_METERED", Kind.CONFLICT


class OutOfScope(Failure):
    """No grant of the caller covers it."""

    reason, kind = "OUT_OF_SCOPE", Kind.DENIED


class FileUnreadable(Failure):
    """A whole file is refused: not UTF-8, no header, no GeoJSON."""

    reason, kind = "FILE_UNREADABLE", Kind.INVALID


def check_level(field: str, level: int) -> None:
    """Refuse what is no whole per cent; LevelOutOfRange."""
    if not 0 <= level <= 100:  # noqa: PLR2004 - per cent
        raise LevelOutOfRange(field, f"{level} is not a level: 0 to 100 per cent", level=str(level))
