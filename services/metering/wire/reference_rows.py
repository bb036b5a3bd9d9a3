"""Rows of reference tables to and from the contract."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from metering.domain.registry.reference_rows import (
    EmissionFactor,
    GasCoefficient,
    PublicHoliday,
    ReferenceRow,
    ReferenceTable,
    SchoolHoliday,
    TariffPrice,
)
from multiflux.metering.v1 import reference_table_pb2 as pb
from vocabulary.civil import local_midnight
from vocabulary.failure import invalid
from vocabulary.interval import Validity
from wire.intervals import validity_to_proto
from wire.words import flux_to_proto


def reference_table_from_proto(number: int, field: str) -> ReferenceTable:
    """Return the table; InvalidRequest names `field` when it is unspecified or unknown."""
    if number == 0:
        raise invalid(field, "is required")
    try:
        return ReferenceTable(number)
    except ValueError:
        raise invalid(field, f"{number} is unknown here") from None


def reference_table_to_proto(table: ReferenceTable) -> pb.ReferenceTable.ValueType:
    """Return the contract's number."""
    return pb.ReferenceTable.ValueType(table.value)


def reference_row_to_proto(row: ReferenceRow, zone: ZoneInfo) -> pb.ReferenceRow:
    """Return the row as the contract writes it; its civil days are those of `zone`."""
    message = pb.ReferenceRow(
        validity=validity_to_proto(Validity(start=_midnight(row.first, zone), end=_midnight(row.end, zone))),
        source=row.source,
        starter=row.starter,
    )
    match row.content:
        case TariffPrice() as price:
            message.tariff_price.CopyFrom(_price_to_proto(price))
        case EmissionFactor() as factor:
            message.emission_factor.CopyFrom(factor_to_proto(factor))
        case GasCoefficient() as coefficient:
            message.gas_coefficient.CopyFrom(_coefficient_to_proto(coefficient))
        case PublicHoliday() as holiday:
            message.public_holiday.CopyFrom(pb.PublicHoliday(subdivision=holiday.subdivision, display_name=holiday.display_name))
        case SchoolHoliday() as holiday:
            message.school_holiday.CopyFrom(pb.SchoolHoliday(zone=holiday.zone, display_name=holiday.display_name))
    return message


def _midnight(day: date | None, zone: ZoneInfo) -> datetime | None:
    return None if day is None else local_midnight(day, zone)


def _price_to_proto(price: TariffPrice) -> pb.TariffPrice:
    return pb.TariffPrice(
        tariff=price.tariff,
        flux=flux_to_proto(price.flux),
        component=pb.PriceComponent.ValueType(price.component.value),
        tariff_slot=price.tariff_slot,
        price_micros=price.price_micros,
        currency_code=price.currency_code,
        unit=pb.PriceUnit.ValueType(price.unit.value),
        vat_percent=price.vat_percent,
    )


def factor_to_proto(factor: EmissionFactor) -> pb.EmissionFactor:
    """Return the factor as the contract writes it."""
    return pb.EmissionFactor(
        flux=flux_to_proto(factor.flux),
        usage=factor.usage,
        grams_per_unit=factor.grams_per_unit,
        unit=pb.PriceUnit.ValueType(factor.unit.value),
        basis=pb.CalorificBasis.ValueType(factor.basis.value if factor.basis else 0),
        method=factor.method,
        subdivision=factor.subdivision,
    )


def _coefficient_to_proto(coefficient: GasCoefficient) -> pb.GasCoefficient:
    return pb.GasCoefficient(
        network=coefficient.network,
        calorific_value_wh_per_cubic_metre=coefficient.wh_per_cubic_metre,
        basis=pb.CalorificBasis.ValueType(coefficient.basis.value),
    )
