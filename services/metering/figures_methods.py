"""The methods of the metering service that give figures."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

import grpc

from metering.desk import Desk, PointFigures
from metering.domain.consumption.disclosure import Asker, Occupancy
from metering.domain.figures.consumption import ConsumptionQuestion
from metering.wire.consumption import answer_to_proto, export_from_proto, listing_from_proto, parts_to_proto, question_from_proto
from metering.wire.cost import cost_question_from_proto, statement_to_proto
from multiflux.metering.v1 import metering_service_pb2 as pb
from runtime.call import Caller, current_call
from vocabulary.role import Role

LARGEST_BLOCK = 1 << 20
"""Bytes in a response of a stream."""

_FRAME = 16
"""More bytes than merging adds to a part."""

_Context = grpc.aio.ServicerContext[Any, Any]


class FiguresMethods:
    """Figures out; a servicer takes these methods over."""

    def __init__(self, desk: Desk) -> None:
        """Answer from `desk`."""
        self._desk = desk

    async def QueryConsumption(self, request: pb.QueryConsumptionRequest, context: _Context) -> pb.QueryConsumptionResponse:  # noqa: N802
        """Return what was consumed, slot by slot."""
        del context
        call = current_call()
        question = question_from_proto(request, call.territory)
        figures = await self._desk.consumption(question, asker_of(call.caller))
        series = answer_to_proto(question, figures.answer, time_zone=figures.time_zone, known_sequence=figures.known_sequence)
        return pb.QueryConsumptionResponse(consumption=series)

    async def QueryCost(self, request: pb.QueryCostRequest, context: _Context) -> pb.QueryCostResponse:  # noqa: N802
        """Return what a point's consumption cost."""
        del context
        call = current_call()
        question = cost_question_from_proto(request, call.territory)
        answer = await self._desk.cost(question, asker_of(call.caller))
        return pb.QueryCostResponse(statement=statement_to_proto(question, answer))

    async def ExportConsumption(  # noqa: N802
        self, request: pb.ExportConsumptionRequest, context: _Context
    ) -> AsyncGenerator[pb.ExportConsumptionResponse]:
        """Stream the consumption of a point or place as a file."""
        del context
        call = current_call()
        question, written_as = export_from_proto(request, call.territory)
        file = await self._desk.file(question, asker_of(call.caller), written_as)
        for start in range(0, len(file), LARGEST_BLOCK):
            yield pb.ExportConsumptionResponse(block=file[start : start + LARGEST_BLOCK])

    async def StreamConsumption(  # noqa: N802
        self, request: pb.StreamConsumptionRequest, context: _Context
    ) -> AsyncGenerator[pb.StreamConsumptionResponse]:
        """Stream the consumption of every point of a place."""
        del context
        question = listing_from_proto(request, current_call().territory)
        response, size = pb.StreamConsumptionResponse(), 0
        async with aclosing(self._desk.listing(question)) as listing:
            async for one in listing:
                for part in _parts(question, one):
                    if size + part.ByteSize() + _FRAME > LARGEST_BLOCK:
                        yield response
                        response, size = pb.StreamConsumptionResponse(), 0
                    response.MergeFrom(part)
                    size += part.ByteSize() + _FRAME
        if size:
            yield response


def _parts(question: ConsumptionQuestion, one: PointFigures) -> Iterator[pb.StreamConsumptionResponse]:
    """Yield what is to be told of a point, in responses to be merged."""
    figures = one.figures
    if figures is None:
        yield pb.StreamConsumptionResponse(coarser_points=[f"meters/{one.point}"])
        return
    zone, sequence = figures.time_zone, figures.known_sequence
    for series in parts_to_proto(question, one.point, figures.answer, time_zone=zone, known_sequence=sequence):
        yield pb.StreamConsumptionResponse(consumptions=[series])


def asker_of(caller: Caller) -> Asker:
    """Return who asks, as far as disclosure is concerned."""
    return Asker(
        roles=frozenset(grant.role.name.lower() for grant in caller.grants),
        occupancies=tuple(
            Occupancy(premise=grant.place, validity=grant.validity)
            for grant in caller.grants
            if grant.role in (Role.HOUSEHOLD, Role.DELEGATE) and grant.place is not None
        ),
    )
