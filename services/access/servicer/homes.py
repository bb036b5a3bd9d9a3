"""Occupancies, delegations and consents."""

import secrets
from uuid import uuid4

from access.domain.actor import visible
from access.domain.code import new_code, normalised
from access.domain.consenting import give_consent, withdraw_consent
from access.domain.delegating import delegate, end_delegation
from access.domain.ids import ConsentId, DelegationId, OccupancyId
from access.domain.moving import claim_occupancy, issue_code, move_out
from access.servicer.desk import Context, Desk, Methods
from access.wire import homes, names
from access.wire.people import actor_from_call
from multiflux.access.v1 import access_service_pb2 as pb
from runtime.call import current_call
from runtime.pages import page
from vocabulary.role import Role
from wire.instants import instant, instant_to_proto


class HomeMethods(Methods):
    """Occupancies, delegations and consents."""

    async def IssueOccupancyCode(self, request: pb.IssueOccupancyCodeRequest, context: Context) -> pb.IssueOccupancyCodeResponse:
        """Make the one-time code that the town posts to a premise."""
        del context
        call, code = current_call(), new_code(secrets.randbelow)
        order = homes.code_order_from_proto(request, call, self._tools.code_lifetime)
        digest = self._tools.code_digest(call.territory, code)

        def issue(desk: Desk) -> pb.IssueOccupancyCodeResponse:
            issued = issue_code(*desk, order, digest=digest)
            return pb.IssueOccupancyCodeResponse(code=code, expire_time=instant_to_proto(issued.expires))

        return await self._change(request, issue, pb.IssueOccupancyCodeResponse, kept=homes.without_code)

    async def ClaimOccupancy(self, request: pb.ClaimOccupancyRequest, context: Context) -> pb.ClaimOccupancyResponse:
        """Prove with a posted code where the calling person lives."""
        del context
        call, new_id = current_call(), OccupancyId(str(uuid4()))
        # What cannot be a code is looked up too: no code has its digest, and nobody can tell by the time it takes.
        digest = self._tools.code_digest(call.territory, normalised(request.code) or "")

        def claim(desk: Desk) -> pb.ClaimOccupancyResponse:
            return pb.ClaimOccupancyResponse(occupancy=homes.occupancy_to_proto(claim_occupancy(*desk, digest, new_id=new_id)))

        async with self._tools.tries.one_more(call.territory, call.caller.subject, call.at):
            return await self._change(request, claim, pb.ClaimOccupancyResponse)

    async def EndOccupancy(self, request: pb.EndOccupancyRequest, context: Context) -> pb.EndOccupancyResponse:
        """End an occupancy."""
        del context
        occupancy_id, end = names.occupancy_from_name(request.name, "name"), instant(request, "end_time")
        return await self._change(
            request,
            lambda desk: pb.EndOccupancyResponse(occupancy=homes.occupancy_to_proto(move_out(*desk, occupancy_id, end))),
            pb.EndOccupancyResponse,
        )

    async def ListOccupancies(self, request: pb.ListOccupanciesRequest, context: Context) -> pb.ListOccupanciesResponse:
        """List occupancies by name."""
        del context
        asked, actor = page(request, default_size=50), actor_from_call(current_call())
        premise = names.optional_place_from_proto(request.premise, "premise")
        seen = visible(actor, Role.ADMINISTRATOR, Role.SERVICE, within=Role.ADMINISTRATOR)
        rows = await self._read(lambda books: books.occupancies.page(seen, premise, "".join(asked.after), asked.size + 1, actor.at))
        shown, token = asked.cut(rows, lambda occupancy: (occupancy.id,))
        return pb.ListOccupanciesResponse(occupancies=map(homes.occupancy_to_proto, shown), next_page_token=token)

    async def CreateDelegation(self, request: pb.CreateDelegationRequest, context: Context) -> pb.CreateDelegationResponse:
        """Let another person see what the calling household sees."""
        del context
        order, new_id = homes.delegation_order_from_proto(request.delegation, current_call()), DelegationId(str(uuid4()))
        return await self._change(
            request,
            lambda desk: pb.CreateDelegationResponse(delegation=homes.delegation_to_proto(delegate(*desk, order, new_id=new_id))),
            pb.CreateDelegationResponse,
        )

    async def EndDelegation(self, request: pb.EndDelegationRequest, context: Context) -> pb.EndDelegationResponse:
        """End a delegation now."""
        del context
        delegation_id = names.delegation_from_name(request.name, "name")
        return await self._change(
            request,
            lambda desk: pb.EndDelegationResponse(delegation=homes.delegation_to_proto(end_delegation(*desk, delegation_id))),
            pb.EndDelegationResponse,
        )

    async def ListDelegations(self, request: pb.ListDelegationsRequest, context: Context) -> pb.ListDelegationsResponse:
        """List the delegations that the caller gave or received, by name."""
        del context
        asked, person = page(request, default_size=50), actor_from_call(current_call()).person
        rows = await self._read(lambda books: books.delegations.page(person, "".join(asked.after), asked.size + 1))
        shown, token = asked.cut(rows, lambda delegation: (delegation.id,))
        return pb.ListDelegationsResponse(delegations=map(homes.delegation_to_proto, shown), next_page_token=token)

    async def GiveConsent(self, request: pb.GiveConsentRequest, context: Context) -> pb.GiveConsentResponse:
        """Give a consent."""
        del context
        order, new_id = homes.consent_order_from_proto(request.consent, current_call()), ConsentId(str(uuid4()))
        return await self._change(
            request,
            lambda desk: pb.GiveConsentResponse(consent=homes.consent_to_proto(give_consent(*desk, order, new_id=new_id))),
            pb.GiveConsentResponse,
        )

    async def WithdrawConsent(self, request: pb.WithdrawConsentRequest, context: Context) -> pb.WithdrawConsentResponse:
        """Withdraw a consent now."""
        del context
        consent_id = names.consent_from_name(request.name, "name")
        return await self._change(
            request,
            lambda desk: pb.WithdrawConsentResponse(consent=homes.consent_to_proto(withdraw_consent(*desk, consent_id))),
            pb.WithdrawConsentResponse,
        )

    async def ListConsents(self, request: pb.ListConsentsRequest, context: Context) -> pb.ListConsentsResponse:
        """List consents by name."""
        del context
        asked, question = page(request, default_size=50), homes.consent_question_from_proto(request)
        seen = visible(actor_from_call(current_call()), Role.SERVICE)
        rows = await self._read(lambda books: books.consents.page(seen, question, "".join(asked.after), asked.size + 1))
        shown, token = asked.cut(rows, lambda consent: (consent.id,))
        return pb.ListConsentsResponse(consents=map(homes.consent_to_proto, shown), next_page_token=token)
