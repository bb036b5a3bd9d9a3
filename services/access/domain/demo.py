"""Made-up people to try the installation with, one for each role; only the local issuer signs them in."""

from dataclasses import dataclass

from access.domain.actor import Actor
from access.domain.grant import RoleGrant
from access.domain.ids import PLATFORM_PREFIX, GrantId
from access.domain.person import Identity
from access.domain.ports import Books, News
from access.domain.registration import NewPerson, change_accounts, register
from vocabulary.interval import Validity
from vocabulary.names import PersonId
from vocabulary.role import Role

LOCAL_ISSUER = "urn:multiflux:local"
"""The `iss` of the local issuer's tokens, and the issuer of the identities of everybody who signs in with it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoPerson:
    """A demo person and the role that it is given; None where the role comes from elsewhere, such as a household's from its occupancy."""

    id: PersonId
    display_name: str
    role: Role | None


DEMO_PEOPLE = (
    DemoPerson(id=PersonId("household"), display_name="Camille Foyer", role=None),
    DemoPerson(id=PersonId("delegate"), display_name="Dominique Proche", role=None),
    DemoPerson(id=PersonId("building-manager"), display_name="Béatrice Gestion", role=Role.BUILDING_MANAGER),
    DemoPerson(id=PersonId("lighting-operator"), display_name="Lucien Éclairage", role=Role.LIGHTING_OPERATOR),
    DemoPerson(id=PersonId("territory-analyst"), display_name="Anne Lyse", role=Role.TERRITORY_ANALYST),
    DemoPerson(id=PersonId("administrator"), display_name="Alix Régie", role=Role.ADMINISTRATOR),
    DemoPerson(id=PersonId("collector"), display_name="Télérelève", role=Role.COLLECTOR),
    DemoPerson(id=PersonId("visitor"), display_name="Public", role=None),
)

DEMO_OPERATOR = DemoPerson(id=PersonId(f"{PLATFORM_PREFIX}operator"), display_name="Exploitation", role=None)


def add_demo_person(books: Books, news: News, actor: Actor, demo: DemoPerson, *, new_id: GrantId) -> None:
    """Make a demo person known, unless it is, or was erased."""
    if books.people.get(demo.id) is not None or books.erasures.covers(demo.id):
        return
    identity = Identity(issuer=LOCAL_ISSUER, subject=f"{books.territory}/{demo.id}")
    order = NewPerson(id=demo.id, display_name=demo.display_name, email="", language_code="fr", identities=(identity,))
    register(books, news, actor, order)
    if demo.role is not None:
        grant = RoleGrant(id=new_id, person=demo.id, role=demo.role, place=None, validity=Validity(start=actor.at), created=actor.at)
        books.grants.add(grant)
        news.person_changed(demo.id, resource=f"grants/{new_id}")


def set_operators(books: Books, news: News, actor: Actor, operators: dict[PersonId, Identity]) -> None:
    """Make the platform's people those of the settings: new ones are added, and all others sign in no more."""
    for person in books.people.page("", 1_000, ""):
        accounts = (operators[person.id],) if person.id in operators else ()
        if person.identities != accounts:
            change_accounts(books, news, actor, person, accounts)
    for person_id, identity in operators.items():
        if books.people.get(person_id) is None:
            order = NewPerson(id=person_id, display_name=identity.subject[:200], email="", language_code="fr", identities=(identity,))
            register(books, news, actor, order)
