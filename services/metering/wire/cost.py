"""Questions about costs from the contract, and statements to it."""

from metering.domain.figures.cost import CostAnswer, CostQuestion, StatedLine
from metering.wire.reference_rows import factor_to_proto
from multiflux.metering.v1 import consumption_pb2, reference_table_pb2
from multiflux.metering.v1 import metering_service_pb2 as pb
from multiflux.type.v1 import quality_pb2
from vocabulary.names import TerritoryId, point_id
from wire.intervals import interval_from_proto, interval_to_proto


def cost_question_from_proto(message: pb.QueryCostRequest, territory: TerritoryId) -> CostQuestion:
    """Return the question; every wrong field is named."""
    point_id(message.metering_point)
    return CostQuestion(territory=territory, resource=message.metering_point, during=interval_from_proto(message))


def statement_to_proto(question: CostQuestion, answer: CostAnswer) -> consumption_pb2.CostStatement:
    """Return the statement as the contract writes it."""
    return consumption_pb2.CostStatement(
        metering_point=question.resource,
        interval=interval_to_proto(question.during),
        lines=[_line_to_proto(line) for line in answer.lines],
        missing_prices=[
            consumption_pb2.MissingPrice(
                component=reference_table_pb2.PriceComponent.ValueType(gap.component.value),
                tariff=gap.tariff,
                tariff_slot=gap.tariff_slot,
                interval=interval_to_proto(gap.during),
            )
            for gap in answer.gaps
        ],
        total_micros=answer.total_micros,
        currency_code=answer.currency,
        emissions=[
            consumption_pb2.EmissionLine(
                interval=interval_to_proto(line.during), grams=line.grams, factor=factor_to_proto(line.factor), source=line.source
            )
            for line in answer.emissions
        ],
        coverage_percent=answer.coverage * 100,
        quality=quality_pb2.Quality.ValueType(answer.quality),
    )


def _line_to_proto(line: StatedLine) -> consumption_pb2.CostLine:
    return consumption_pb2.CostLine(
        component=reference_table_pb2.PriceComponent.ValueType(line.component.value),
        tariff=line.tariff,
        tariff_slot=line.tariff_slot,
        interval=interval_to_proto(line.during),
        unit_count=line.unit_count,
        unit=reference_table_pb2.PriceUnit.ValueType(line.unit.value),
        price_micros=line.price_micros,
        net_micros=line.net_micros,
        vat_percent=line.vat_percent,
        gross_micros=line.gross_micros,
        source=line.source,
    )
