"""Making, changing, listing and deleting what plans are made of."""

from dataclasses import replace
from typing import Any

from google.protobuf.message import Message

from lighting.domain.editing import delete, put
from lighting.domain.estate import Group
from lighting.domain.failures import NotFound, OutOfScope
from lighting.domain.legal import NATIONAL, LegalRule
from lighting.domain.ports import Records, Shelf
from lighting.servicer.desk import Context, Methods, View, told
from lighting.wire.documents import RECORDS
from lighting.wire.records import record_from_proto, record_to_proto
from multiflux.lighting.v1 import lighting_event_pb2
from multiflux.lighting.v1 import lighting_service_pb2 as pb
from runtime.changes import Transaction
from runtime.pages import page
from vocabulary.failure import invalid
from vocabulary.names import id_in

_DRAFT = lighting_event_pb2.LIGHTING_CHANGE_DRAFT
_INVENTORY = lighting_event_pb2.LIGHTING_CHANGE_INVENTORY
_COLLECTIONS = {
    "luminaires": Shelf.LUMINAIRE,
    "cabinets": Shelf.CABINET,
    "programmes": Shelf.PROGRAMME,
    "calendars": Shelf.CALENDAR,
    "groups": Shelf.GROUP,
    "legalRules": Shelf.LEGAL_RULE,
    "derogations": Shelf.DEROGATION,
}
_OF_INVENTORY = (Shelf.LUMINAIRE, Shelf.CABINET)


class DraftMethods(Methods):
    """Inventory and drafts."""

    async def PutLuminaire(self, request: pb.PutLuminaireRequest, context: Context) -> pb.PutLuminaireResponse:
        """Make or replace one."""
        del context
        return await self._put(Shelf.LUMINAIRE, request, request.luminaire, "luminaire", pb.PutLuminaireResponse)

    async def ListLuminaires(self, request: pb.ListLuminairesRequest, context: Context) -> pb.ListLuminairesResponse:
        """List them by name."""
        del context
        shown, token = await self._list(Shelf.LUMINAIRE, request)
        return pb.ListLuminairesResponse(luminaires=shown, next_page_token=token)

    async def PutCabinet(self, request: pb.PutCabinetRequest, context: Context) -> pb.PutCabinetResponse:
        """Make or replace one."""
        del context
        return await self._put(Shelf.CABINET, request, request.cabinet, "cabinet", pb.PutCabinetResponse)

    async def ListCabinets(self, request: pb.ListCabinetsRequest, context: Context) -> pb.ListCabinetsResponse:
        """List them by name."""
        del context
        shown, token = await self._list(Shelf.CABINET, request)
        return pb.ListCabinetsResponse(cabinets=shown, next_page_token=token)

    async def PutProgramme(self, request: pb.PutProgrammeRequest, context: Context) -> pb.PutProgrammeResponse:
        """Make or replace one."""
        del context
        return await self._put(Shelf.PROGRAMME, request, request.programme, "programme", pb.PutProgrammeResponse)

    async def ListProgrammes(self, request: pb.ListProgrammesRequest, context: Context) -> pb.ListProgrammesResponse:
        """List them by name."""
        del context
        shown, token = await self._list(Shelf.PROGRAMME, request)
        return pb.ListProgrammesResponse(programmes=shown, next_page_token=token)

    async def PutCalendar(self, request: pb.PutCalendarRequest, context: Context) -> pb.PutCalendarResponse:
        """Make or replace one."""
        del context
        return await self._put(Shelf.CALENDAR, request, request.calendar, "calendar", pb.PutCalendarResponse)

    async def ListCalendars(self, request: pb.ListCalendarsRequest, context: Context) -> pb.ListCalendarsResponse:
        """List them by name."""
        del context
        shown, token = await self._list(Shelf.CALENDAR, request)
        return pb.ListCalendarsResponse(calendars=shown, next_page_token=token)

    async def PutGroup(self, request: pb.PutGroupRequest, context: Context) -> pb.PutGroupResponse:
        """Make or replace one."""
        del context
        return await self._put(Shelf.GROUP, request, request.group, "group", pb.PutGroupResponse)

    async def ListGroups(self, request: pb.ListGroupsRequest, context: Context) -> pb.ListGroupsResponse:
        """List them by name."""
        del context
        shown, token = await self._list(Shelf.GROUP, request)
        return pb.ListGroupsResponse(groups=shown, next_page_token=token)

    async def PutLegalRule(self, request: pb.PutLegalRuleRequest, context: Context) -> pb.PutLegalRuleResponse:
        """Make or replace one."""
        del context
        return await self._put(Shelf.LEGAL_RULE, request, request.legal_rule, "legal_rule", pb.PutLegalRuleResponse)

    async def ListLegalRules(self, request: pb.ListLegalRulesRequest, context: Context) -> pb.ListLegalRulesResponse:
        """List them by name."""
        del context
        shown, token = await self._list(Shelf.LEGAL_RULE, request)
        return pb.ListLegalRulesResponse(legal_rules=shown, next_page_token=token)

    async def PutDerogation(self, request: pb.PutDerogationRequest, context: Context) -> pb.PutDerogationResponse:
        """Make or replace one."""
        del context
        return await self._put(Shelf.DEROGATION, request, request.derogation, "derogation", pb.PutDerogationResponse)

    async def ListDerogations(self, request: pb.ListDerogationsRequest, context: Context) -> pb.ListDerogationsResponse:
        """List them by name."""
        del context
        shown, token = await self._list(Shelf.DEROGATION, request)
        return pb.ListDerogationsResponse(derogations=shown, next_page_token=token)

    async def DeleteResource(self, request: pb.DeleteResourceRequest, context: Context) -> pb.DeleteResourceResponse:
        """Delete what nothing refers to."""
        del context
        collection = request.name.partition("/")[0]
        if collection not in _COLLECTIONS:
            raise invalid("name", f"must be in {', '.join(_COLLECTIONS)}")
        shelf, item = _COLLECTIONS[collection], id_in(request.name, collection)

        def work(records: Records, view: View, transaction: Transaction) -> pb.DeleteResourceResponse:
            kept = records.get(shelf, item)
            if kept is not None:
                _check_reach(view, kept.value)
            delete(records, shelf, item, request.etag)
            told(transaction, _INVENTORY if shelf in _OF_INVENTORY else _DRAFT, request.name)
            return pb.DeleteResourceResponse()

        return await self._change(request, work, pb.DeleteResourceResponse)

    async def _put(self, shelf: Shelf, request: Message, message: Message, field: str, response: type[Any]) -> Any:
        kind, made = RECORDS[shelf]
        value = _own(record_from_proto(kind, message, field))
        name = str(getattr(message, "name", ""))

        def work(records: Records, view: View, transaction: Transaction) -> Any:
            before = records.get(shelf, value.id)
            if before is not None:
                _check_reach(view, before.value)
            _check_reach(view, value)
            kept = put(records, shelf, _with_service_fields(value, before.value if before else None), transaction.at)
            told(transaction, _INVENTORY if shelf in _OF_INVENTORY else _DRAFT, name)
            return response(**{field: record_to_proto(kept, made())})

        return await self._change(request, work, response)

    async def _list(self, shelf: Shelf, request: Message) -> tuple[list[Any], str]:
        asked, view = page(request), await self._view()
        values: list[Any] = view.books.shelf(shelf)
        if shelf is Shelf.LEGAL_RULE:
            values = sorted([*NATIONAL, *values], key=lambda rule: rule.id)
        after = "".join(asked.after)
        rows: list[Any] = [value for value in values if value.id > after and view.reach.covers(view.estate, value)]
        some, token = asked.cut(rows[: asked.size + 1], lambda value: (str(value.id),))
        return [record_to_proto(value, RECORDS[shelf][1]()) for value in some], token


def _own(value: Any) -> Any:
    """Return a rule as the territory's own; those of the decree cannot be changed."""
    if not isinstance(value, LegalRule):
        return value
    if any(rule.id == value.id for rule in NATIONAL):
        raise NotFound(f"{value.id} is national, and no rule of the territory", resource=value.id)
    return replace(value, local=True)


def _with_service_fields(value: Any, before: Any) -> Any:
    """Return a group with what was rehearsed, which no caller sets."""
    if not isinstance(value, Group):
        return value
    return replace(value, rehearsed_digest=before.rehearsed_digest if before is not None else "")


def _check_reach(view: View, value: Any) -> None:
    if isinstance(value, Group):
        view.check(one for one in value.luminaires if one in view.estate.luminaires)
    if not view.reach.covers(view.estate, value):
        raise OutOfScope(f"no grant covers {value.id}", resource=value.id)
