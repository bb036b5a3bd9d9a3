"""Ids that only access gives."""

from typing import NewType

from vocabulary.names import PersonId, TerritoryId

GrantId = NewType("GrantId", str)
OccupancyId = NewType("OccupancyId", str)
DelegationId = NewType("DelegationId", str)
ConsentId = NewType("ConsentId", str)
SessionId = NewType("SessionId", str)

PLATFORM = TerritoryId("platform")
"""The territory whose people operate the installation. It has no places."""

PLATFORM_PREFIX = "platform-"
"""Ids of the platform's people alone start with it: an operator who acts in a territory is never taken for one of its people."""

ERASED = "people/erased"
"""What the audit log says instead of a person who was erased."""

ERASED_ID = PersonId("erased")
