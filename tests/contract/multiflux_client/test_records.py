"""Every record of the client carries all that its message says."""

from enum import Enum
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from multiflux.access.v1 import access_service_pb2, audit_pb2, consent_pb2, event_pb2, occupancy_pb2, person_pb2
from multiflux.lighting.v1 import command_pb2, lighting_service_pb2, plan_pb2, programme_pb2
from multiflux.metering.v1 import (
    metering_point_pb2,
    place_pb2,
    reference_table_pb2,
    registry_event_pb2,
    registry_service_pb2,
    site_pb2,
    weather_pb2,
)
from multiflux.options.v1 import permission_pb2
from multiflux.type.v1 import flux_pb2, granularity_pb2, place_level_pb2, quantity_pb2
from multiflux_client import lighting_records, people, places, points, registry, sites, tables, weather
from multiflux_client.failures import UnexpectedAnswer
from multiflux_client.records import Field, fields_of, record_from_proto, record_to_proto
from vocabulary.civil import Granularity
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.names import PersonId
from vocabulary.place import PlaceLevel
from vocabulary.role import Role

PAIRS = [
    (people.Person, person_pb2.Person),
    (people.Grant, person_pb2.Grant),
    (people.TokenGrant, access_service_pb2.TokenGrant),
    (people.Occupancy, occupancy_pb2.Occupancy),
    (people.Delegation, occupancy_pb2.Delegation),
    (people.Consent, consent_pb2.Consent),
    (people.TerritoryAuditEntry, access_service_pb2.TerritoryAuditEntry),
    (people.AccessEvent, event_pb2.Event),
    (places.Territory, place_pb2.Territory),
    (places.Place, place_pb2.Place),
    (points.MeteringPoint, metering_point_pb2.MeteringPoint),
    (points.MoveInContract, registry_service_pb2.MoveInContract),
    (tables.ReferenceRow, reference_table_pb2.ReferenceRow),
    (registry.ImportProgress, registry_service_pb2.ImportRegistryResponse),
    (registry.RegistryEvent, registry_event_pb2.RegistryEvent),
    (weather.WeatherStation, weather_pb2.WeatherStation),
    (sites.SitePortfolio, site_pb2.SitePortfolio),
    (sites.SiteYear, site_pb2.SiteYear),
    (sites.FluxYear, site_pb2.FluxYear),
    (sites.FluxTotal, site_pb2.FluxTotal),
    (sites.SiteAttention, site_pb2.SiteAttention),
    (sites.SiteAnalysis, site_pb2.SiteAnalysis),
    (sites.FluxAnalysis, site_pb2.FluxAnalysis),
    (sites.BaseLoad, site_pb2.BaseLoad),
    (sites.WeatherSignature, site_pb2.WeatherSignature),
    (sites.SignatureWeek, site_pb2.SignatureWeek),
    (sites.EnergyProgress, site_pb2.EnergyProgress),
    (lighting_records.Programme, programme_pb2.Programme),
    (lighting_records.Calendar, programme_pb2.Calendar),
    (lighting_records.Group, plan_pb2.Group),
    (lighting_records.Plan, plan_pb2.Plan),
    (lighting_records.LuminairePlan, plan_pb2.LuminairePlan),
    (lighting_records.Rehearsal, plan_pb2.Rehearsal),
    (lighting_records.Command, command_pb2.Command),
    (lighting_records.InventoryImport, lighting_service_pb2.ImportInventoryResponse),
]

WORDS = [
    (Role, permission_pb2.Role),
    (Flux, flux_pb2.Flux),
    (Quantity, quantity_pb2.Quantity),
    (Direction, quantity_pb2.Direction),
    (Granularity, granularity_pb2.Granularity),
    (PlaceLevel, place_level_pb2.PlaceLevel),
    (people.Purpose, consent_pb2.Purpose),
    (people.AuditOutcome, audit_pb2.AuditOutcome),
    (places.DwellingType, place_pb2.DwellingType),
    (places.EnergySource, place_pb2.EnergySource),
    (places.SiteUse, place_pb2.SiteUse),
    (tables.ReferenceTable, reference_table_pb2.ReferenceTable),
    (tables.PriceComponent, reference_table_pb2.PriceComponent),
    (tables.PriceUnit, reference_table_pb2.PriceUnit),
    (tables.CalorificBasis, reference_table_pb2.CalorificBasis),
    (registry.RegistryContent, registry_service_pb2.RegistryContent),
    (registry.RegistryFormat, registry_service_pb2.RegistryFormat),
    (weather.DegreeDayMethod, weather_pb2.DegreeDayMethod),
    (sites.SiteConcern, site_pb2.SiteConcern),
]


def filled(kind: type[Any], message: Any, *, choice: int) -> Any:
    """Give every field of the message a value that is not its default; of each oneof the member number `choice`, counted around."""
    known = {field.proto: field for field in fields_of(kind)}
    for descriptor in message.DESCRIPTOR.fields:
        oneof = descriptor.containing_oneof
        # An `optional` scalar is a oneof of its own in descriptors.
        if oneof is not None and len(oneof.fields) > 1 and oneof.fields[choice % len(oneof.fields)] is not descriptor:
            continue
        assert descriptor.name in known, f"{kind.__name__} has no {descriptor.name}"
        _fill(known[descriptor.name], descriptor, message, choice=choice)
    return message


def _fill(field: Field, descriptor: FieldDescriptor, message: Any, *, choice: int) -> None:
    target = getattr(message, descriptor.name)
    if descriptor.message_type is None:
        value = _scalar(field, descriptor)
        if field.repeated:
            target.append(value)
        else:
            setattr(message, descriptor.name, value)
        return
    part = target.add() if field.repeated else target
    part.SetInParent()
    match descriptor.message_type.full_name:
        case "google.protobuf.Timestamp":
            part.seconds, part.nanos = 1_700_000_000, 250_000
        case "multiflux.type.v1.Validity" | "multiflux.type.v1.Interval":
            part.start_time.seconds, part.end_time.seconds = 1_700_000_000, 1_700_003_600
        case _:
            filled(field.kind, part, choice=choice)


def _scalar(field: Field, descriptor: FieldDescriptor) -> Any:
    if descriptor.enum_type is not None:
        return descriptor.enum_type.values[-1].number
    if field.codec.unset == "" and field.codec.write is not None:
        return field.codec.write("an-id")
    return {"str": "a text", "int": 7, "float": 2.5, "bool": True}[field.kind.__name__]


@pytest.mark.parametrize("choice", range(7))
@pytest.mark.parametrize(("kind", "message"), PAIRS, ids=lambda part: part.__name__)
def test_a_message_with_every_field_set_survives_the_way_to_a_record_and_back(kind: type[Any], message: type[Message], choice: int) -> None:
    sent = filled(kind, message(), choice=choice)
    record = record_from_proto(kind, sent)
    assert record_to_proto(record, message()) == sent


@pytest.mark.parametrize(("kind", "message"), PAIRS, ids=lambda part: part.__name__)
def test_a_record_has_no_field_that_its_message_lacks(kind: type[Any], message: type[Message]) -> None:
    assert {field.proto for field in fields_of(kind)} == set(message.DESCRIPTOR.fields_by_name)


@pytest.mark.parametrize(("words", "wrapper"), WORDS, ids=lambda part: getattr(part, "__name__", ""))
def test_words_have_the_names_and_numbers_of_the_contract(words: type[Enum], wrapper: Any) -> None:
    descriptor = wrapper.DESCRIPTOR
    prefix = descriptor.values[0].name.removesuffix("UNSPECIFIED")
    assert {word.name: word.value for word in words} == {v.name.removeprefix(prefix): v.number for v in descriptor.values if v.number}


def test_what_is_not_set_is_none_and_not_a_default() -> None:
    place = record_from_proto(
        places.Place, place_pb2.Place(name="places/home", level=place_level_pb2.PLACE_LEVEL_PREMISE, dwelling=place_pb2.Dwelling())
    )
    assert place.dwelling == places.Dwelling()
    assert place.dwelling is not None
    assert place.dwelling.area_square_metres is None
    assert place.dwelling.heating is None
    assert place.public_site is None
    assert place.position is None
    assert place.create_time is None


def test_a_declared_zero_is_kept_apart_from_nothing_declared() -> None:
    declared = record_to_proto(places.Dwelling(occupants=0), place_pb2.Dwelling())
    assert declared.HasField("occupants")
    assert not declared.HasField("area_square_metres")


def test_an_open_validity_is_always() -> None:
    grant = record_from_proto(people.TokenGrant, access_service_pb2.TokenGrant(role=permission_pb2.ROLE_ADMINISTRATOR))
    assert grant.validity == people.Validity()
    assert grant.place is None


@pytest.mark.parametrize(
    "entry",
    [
        audit_pb2.AuditEntry(entry_id="e", outcome=audit_pb2.AUDIT_OUTCOME_CHANGED),
        audit_pb2.AuditEntry(entry_id="e", occur_time=Timestamp(seconds=1), outcome=audit_pb2.AuditOutcome.ValueType(99)),
        audit_pb2.AuditEntry(entry_id="e", occur_time=Timestamp(seconds=1)),
    ],
    ids=["no time", "a word of the future", "no outcome"],
)
def test_an_answer_that_breaks_its_contract_is_refused_by_name(entry: audit_pb2.AuditEntry) -> None:
    with pytest.raises(UnexpectedAnswer, match=r"multiflux\.access\.v1\.AuditEntry"):
        record_from_proto(people.AuditEntry, entry)


def test_what_is_to_be_made_has_no_name_yet() -> None:
    grant = record_to_proto(people.Grant(person=PersonId("ada"), role=Role.BUILDING_MANAGER), person_pb2.Grant())
    assert (grant.name, grant.person, grant.place) == ("", "people/ada", "")
