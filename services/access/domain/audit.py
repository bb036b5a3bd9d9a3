"""Who may read which audit entries."""

from dataclasses import dataclass

from access.domain.actor import Actor, NotPermitted
from access.domain.ids import PLATFORM
from vocabulary.names import TerritoryId
from vocabulary.role import Role


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditView:
    """What a caller sees of a territory's entries: those about or by `concerning` (empty: all), cut to one `subject` (empty: any).

    With `nowhere`, also those of calls that nobody valid made, which belong to no territory.
    """

    concerning: str
    subject: str
    nowhere: bool


def audit_view(actor: Actor, territory: TerritoryId, subject: str) -> AuditView:
    """Return what `actor` sees when it asks for entries about `subject`; NotPermitted.

    An administrator of the whole territory sees all of it, the platform's operators the platform's and what belongs to nobody, anybody else
    what concerns itself.
    """
    if actor.holds(Role.ADMINISTRATOR):
        return AuditView(concerning="", subject=subject, nowhere=False)
    if territory == PLATFORM and actor.holds(Role.PLATFORM_OPERATOR):
        return AuditView(concerning="", subject=subject, nowhere=True)
    if subject not in ("", actor.subject):
        raise NotPermitted("the audit entries of others are for administrators")
    return AuditView(concerning=actor.subject, subject=subject, nowhere=False)
