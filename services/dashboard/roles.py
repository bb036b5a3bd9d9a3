"""What each role finds: its name in the words, its first page, and the ways in the head of every page."""

from collections.abc import Set as AbstractSet

from dashboard.words import Words
from vocabulary.role import Role

HOUSEHOLDS = frozenset({Role.HOUSEHOLD, Role.DELEGATE})
_ORDER = (
    Role.ADMINISTRATOR,
    Role.BUILDING_MANAGER,
    Role.LIGHTING_OPERATOR,
    Role.TERRITORY_ANALYST,
    Role.HOUSEHOLD,
    Role.DELEGATE,
    Role.COLLECTOR,
    Role.PLATFORM_OPERATOR,
)
"""Who is several things starts as the first of them."""


def main_role(roles: AbstractSet[Role]) -> Role:
    """Return as what a person starts: without any role, as a household that has not moved in yet."""
    return next((role for role in _ORDER if role in roles), Role.HOUSEHOLD)


def name_of(role: Role) -> str:
    """Return the role as the words and the demo people name it, such as `building-manager`."""
    return role.name.lower().replace("_", "-")


def ways(roles: AbstractSet[Role], words: Words) -> tuple[tuple[str, str], ...]:
    """Return the pages in the head of a person's pages: their names and addresses."""
    found: list[tuple[str, str]] = []
    if main_role(roles) in HOUSEHOLDS:
        found += [(words.my_home, "home"), (words.consents, "consents")]
    if roles & {Role.LIGHTING_OPERATOR, Role.ADMINISTRATOR}:
        found.append((words.lighting, "lighting"))
    return tuple((name, f"/{words.language}/{page}") for name, page in found)
