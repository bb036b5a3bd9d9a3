"""Territories to and from the contract."""

from metering.domain.registry.failures import Faults
from metering.domain.registry.territories import Territory
from multiflux.metering.v1 import place_pb2 as pb
from vocabulary.names import PlaceId, TerritoryId

UPDATABLE = ("display_name", "time_zone", "currency_code", "school_holiday_zone", "public_holiday_subdivision")


def territory_from_proto(message: pb.Territory, territory_id: TerritoryId, root_place: PlaceId) -> Territory:
    """Return the territory; faults name their fields below `territory`."""
    faults = Faults()

    def convert(message: pb.Territory) -> Territory:
        return Territory(
            territory_id=territory_id,
            display_name=message.display_name,
            time_zone=message.time_zone,
            currency_code=message.currency_code,
            root_place=root_place,
            school_holiday_zone=message.school_holiday_zone,
            public_holiday_subdivision=message.public_holiday_subdivision,
            simulated=message.simulated,
        )

    territory = faults.one("territory", convert, message)
    faults.refuse()
    if territory is None:
        raise AssertionError("refused above")
    return territory


def territory_to_proto(territory: Territory, etag: str) -> pb.Territory:
    """Return the territory as the contract writes it."""
    return pb.Territory(
        name=f"territories/{territory.territory_id}",
        display_name=territory.display_name,
        time_zone=territory.time_zone,
        currency_code=territory.currency_code,
        school_holiday_zone=territory.school_holiday_zone,
        public_holiday_subdivision=territory.public_holiday_subdivision,
        simulated=territory.simulated,
        root_place=f"places/{territory.root_place}",
        etag=etag,
    )
