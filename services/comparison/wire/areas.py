"""Areas of dwellings and their totals as messages."""

from datetime import date

from comparison.domain.ports import PublishedTotal
from comparison.domain.releases import band_of
from comparison.domain.totals import Areas
from comparison.wire.comparisons import fill_time, month_to_proto, quantity_of
from multiflux.comparison.v1 import area_pb2, comparison_pb2
from multiflux.type.v1 import flux_pb2, quantity_pb2
from vocabulary.flux import Flux


def area_name(flux: Flux, first_month: date, number: int) -> str:
    """Return an area's resource name."""
    return f"areas/{flux.name.lower()}-{first_month:%Y-%m}-{number}"


def area_to_proto(areas: Areas, number: int) -> area_pb2.Area:
    """Return the message of one of some areas."""
    least, most = band_of(areas.counts[number])
    return area_pb2.Area(
        name=area_name(areas.flux, areas.first_month, number),
        flux=flux_pb2.Flux.ValueType(areas.flux.value),
        reach=comparison_pb2.Reach.ValueType(areas.named[number].reach.value),
        places=[f"places/{place}" for place in areas.named[number].places],
        buildings=[f"places/{place}" for place in sorted(areas.buildings[number])],
        least_count=least,
        most_count=most,
        first_month=month_to_proto(areas.first_month),
        end_month=month_to_proto(areas.end_month),
    )


def total_to_proto(published: PublishedTotal, flux: Flux) -> area_pb2.Total:
    """Return the message of a total."""
    total = published.total
    message = area_pb2.Total(
        area=area_name(flux, published.first_month, published.area),
        flux=flux_pb2.Flux.ValueType(flux.value),
        month=month_to_proto(published.month),
        quantity=quantity_pb2.Quantity.ValueType(quantity_of(flux).value),
        amount=total.amount,
        coverage_percent=total.coverage_percent,
        days=[area_pb2.DayAmount(day=day, amount=amount) for day, amount in enumerate(total.days, 1) if amount is not None],
    )
    fill_time(message.publish_time, published.time)
    return message
