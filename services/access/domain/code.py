"""One-time codes on paper: ten signs that nobody mixes up, and a check sign."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from vocabulary.failure import Failure, Kind
from vocabulary.names import PlaceId

ALPHABET = "23456789ACEFHJKMNPRTWXY"
"""No 0/O/D/Q, 1/I/L, B (8), G (6), S (5), U/V, Z (2).

23 signs, a prime number, so that the check sign finds every single slip and every swap; 10 of them are 45.2 bits.
"""

LENGTH = 10
TRIES = 5
TRY_WINDOW = timedelta(hours=1)
_SEPARATORS = str.maketrans("", "", " -\t\n\r\u00a0\u2010\u2011\u2013")


class OccupancyCodeInvalid(Failure):
    """The code is wrong, used or expired; which of them is not told."""

    reason, kind = "OCCUPANCY_CODE_INVALID", Kind.DENIED


class OccupancyCodeTriesExhausted(Failure):
    """The person tried too many wrong codes."""

    reason, kind = "OCCUPANCY_CODE_TRIES_EXHAUSTED", Kind.EXHAUSTED


class HouseholdHasLeft(Failure):
    """The household that lived there at that start has moved out: a letter posted now would reach another."""

    reason, kind = "HOUSEHOLD_HAS_LEFT", Kind.CONFLICT


class PlaceUnknown(Failure):
    """The territory has no such place, as far as access has heard."""

    reason, kind = "PLACE_UNKNOWN", Kind.MISSING


@dataclass(frozen=True, kw_only=True, slots=True)
class OccupancyCode:
    """A code as it is kept: only its keyed digest. Its holder lives in `premise` from `start` on."""

    digest: bytes
    premise: PlaceId
    start: datetime
    issued: datetime
    expires: datetime
    used: datetime | None

    def usable(self, at: datetime) -> bool:
        """Tell whether the code can be used."""
        return self.used is None and at < self.expires


def new_code(below: Callable[[int], int]) -> str:
    """Return a new code; `below(n)` draws a secret number from 0 to n - 1."""
    signs = [below(len(ALPHABET)) for _ in range(LENGTH)]
    return "".join(ALPHABET[sign] for sign in (*signs, _check(signs)))


def normalised(text: str) -> str | None:
    """Return the code that somebody typed, without spaces and hyphens, in capitals; None when it cannot be one."""
    code = text.translate(_SEPARATORS).upper()
    signs = [ALPHABET.find(sign) for sign in code]
    if len(signs) != LENGTH + 1 or -1 in signs or _check(signs[:LENGTH]) != signs[LENGTH]:
        return None
    return code


def check_tries(tries: Sequence[datetime], at: datetime) -> None:
    """Return when one more code may be tried, given the times of wrong ones; OccupancyCodeTriesExhausted with the seconds to wait."""
    recent = sorted(tried for tried in tries if tried > at - TRY_WINDOW)
    if len(recent) >= TRIES:
        wait_s = (recent[-TRIES] + TRY_WINDOW - at).total_seconds()
        raise OccupancyCodeTriesExhausted(f"{TRIES} wrong codes in an hour: try again in {wait_s:.0f} s", retry_delay_s=f"{wait_s:.0f}")


def _check(signs: Sequence[int]) -> int:
    # Different weights, none of them 0 modulo the alphabet's prime size: a changed sign and two swapped signs both change the sum.
    return sum(weight * sign for weight, sign in enumerate(signs, start=1)) % len(ALPHABET)
