"""What each role finds: its name in the words, its first page, and the ways in the head of every page."""

from collections.abc import Set as AbstractSet

from dashboard.public_words import WORDS as PUBLIC_WORDS
from dashboard.site_words import WORDS as SITE_WORDS
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


def first_page(role: Role) -> str:
    """Return the page on which a role starts, unless that is a place."""
    return {Role.BUILDING_MANAGER: "sites", Role.LIGHTING_OPERATOR: "lighting"}.get(role, "public")


def name_of(role: Role) -> str:
    """Return the role as the words and the demo people name it, such as `building-manager`."""
    return role.name.lower().replace("_", "-")


def ways(roles: AbstractSet[Role] | None, words: Words) -> tuple[tuple[str, str], ...]:
    """Return the pages in the head of a person's pages, None: of whoever is not signed in: their names and addresses."""
    found: list[tuple[str, str]] = []
    if roles is not None and main_role(roles) in HOUSEHOLDS:
        found += [(words.my_home, "home"), (words.consents, "consents")]
    if roles and roles & {Role.BUILDING_MANAGER, Role.ADMINISTRATOR}:
        found.append((SITE_WORDS[words.language].sites, "sites"))
    if roles and roles & {Role.LIGHTING_OPERATOR, Role.ADMINISTRATOR}:
        found.append((words.lighting, "lighting"))
    found.append((PUBLIC_WORDS[words.language].public, "public"))
    return tuple((name, f"/{words.language}/{page}") for name, page in found)
