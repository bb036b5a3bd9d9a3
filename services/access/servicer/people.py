"""People and grants."""

from dataclasses import replace
from uuid import uuid4

from access.domain.erasure import erase_person
from access.domain.granting import grant_role, revoke_grant
from access.domain.ids import ERASED, GrantId
from access.domain.registration import change_person, create_person, known_person
from access.servicer.desk import Context, Desk, Methods
from access.wire import names, people
from multiflux.access.v1 import access_service_pb2 as pb
from runtime.call import Call, acting_as, current_call
from runtime.masks import check_etag
from runtime.pages import page
from vocabulary.role import Role
from wire.instants import instant_to_proto


class PeopleMethods(Methods):
    """People and grants."""

    async def CreatePerson(self, request: pb.CreatePersonRequest, context: Context) -> pb.CreatePersonResponse:
        """Make a person known."""
        del context
        order = people.new_person_from_proto(request)
        return await self._change(
            request,
            lambda desk: pb.CreatePersonResponse(person=people.person_to_proto(create_person(*desk, order))),
            pb.CreatePersonResponse,
        )

    async def GetPerson(self, request: pb.GetPersonRequest, context: Context) -> pb.GetPersonResponse:
        """Return a person."""
        del context
        person_id = names.person_from_proto(request.name, "name")
        return pb.GetPersonResponse(person=people.person_to_proto(await self._read(lambda books: known_person(books, person_id))))

    async def UpdatePerson(self, request: pb.UpdatePersonRequest, context: Context) -> pb.UpdatePersonResponse:
        """Change a person."""
        del context
        person_id = names.person_from_proto(request.person.name, "person.name")
        administers = people.actor_from_call(current_call()).holds(Role.ADMINISTRATOR)
        change = people.person_change_from_proto(request, own=not administers)

        def update(desk: Desk) -> pb.UpdatePersonResponse:
            person = known_person(desk.books, person_id)
            check_etag(request.person.etag, person.version)
            return pb.UpdatePersonResponse(person=people.person_to_proto(change_person(*desk, person, change)))

        return await self._change(request, update, pb.UpdatePersonResponse)

    async def ListPeople(self, request: pb.ListPeopleRequest, context: Context) -> pb.ListPeopleResponse:
        """List the people of the territory by name."""
        del context
        asked = page(request, default_size=50)
        rows = await self._read(lambda books: books.people.page("".join(asked.after), asked.size + 1, request.search))
        shown, token = asked.cut(rows, lambda person: (person.id,))
        return pb.ListPeopleResponse(people=map(people.person_to_proto, shown), next_page_token=token)

    async def ErasePerson(self, request: pb.ErasePersonRequest, context: Context) -> pb.ErasePersonResponse:
        """Erase a person and all about it."""
        del context
        person_id, receipt = names.person_from_proto(request.name, "name"), str(uuid4())

        def erase(desk: Desk) -> pb.ErasePersonResponse:
            erase_person(*desk, person_id, receipt=receipt)
            return pb.ErasePersonResponse(erase_time=instant_to_proto(desk.actor.at))

        with acting_as(_forgetting(current_call(), request.name)):
            return await self._change(request, erase, pb.ErasePersonResponse)

    async def GrantRole(self, request: pb.GrantRoleRequest, context: Context) -> pb.GrantRoleResponse:
        """Give a person a role in a place."""
        del context
        order, new_id = people.grant_order_from_proto(request.grant), GrantId(str(uuid4()))
        return await self._change(
            request,
            lambda desk: pb.GrantRoleResponse(grant=people.grant_to_proto(grant_role(*desk, order, new_id=new_id))),
            pb.GrantRoleResponse,
        )

    async def RevokeGrant(self, request: pb.RevokeGrantRequest, context: Context) -> pb.RevokeGrantResponse:
        """End a grant now."""
        del context
        grant_id = names.grant_from_name(request.name, "name")
        return await self._change(
            request,
            lambda desk: pb.RevokeGrantResponse(grant=people.grant_to_proto(revoke_grant(*desk, grant_id))),
            pb.RevokeGrantResponse,
        )

    async def ListGrants(self, request: pb.ListGrantsRequest, context: Context) -> pb.ListGrantsResponse:
        """List grants by name."""
        del context
        asked = page(request, default_size=50)
        person = names.person_from_proto(request.person, "person") if request.person else None
        rows = await self._read(lambda books: books.grants.page(person, "".join(asked.after), asked.size + 1))
        shown, token = asked.cut(rows, lambda grant: (grant.id,))
        return pb.ListGrantsResponse(grants=map(people.grant_to_proto, shown), next_page_token=token)


def _forgetting(call: Call, name: str) -> Call:
    """Return the call without the name of a caller who asks to be erased itself."""
    return replace(call, caller=replace(call.caller, subject=ERASED)) if call.caller.subject == name else call
