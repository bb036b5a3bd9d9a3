"""What comparison refuses."""

from vocabulary.failure import Failure, Kind


class NotAvailable(Failure):
    """There is no comparison to show: one answer for every reason, which is never told."""

    reason, kind = "NOT_AVAILABLE", Kind.MISSING

    def __init__(self) -> None:
        """Say always the same."""
        super().__init__("no comparison is available")


class MonthOpen(Failure):
    """The month has not been over for ten days: readings of it may still come."""

    reason, kind = "MONTH_OPEN", Kind.CONFLICT


class MonthPassed(Failure):
    """A later month is closed already: groups must not be formed, nor anything published, with hindsight."""

    reason, kind = "MONTH_PASSED", Kind.CONFLICT
