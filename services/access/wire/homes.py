"""Occupancies, codes, delegations and consents."""

from datetime import timedelta

from access.domain.consent import Consent, ConsentQuestion, Purpose
from access.domain.consenting import ConsentOrder
from access.domain.delegating import DelegationOrder
from access.domain.moving import CodeOrder
from access.domain.occupancy import Delegation, Occupancy
from access.wire.names import occupancy_from_name, person_from_proto, place_from_proto, point_from_proto, refuse_name
from multiflux.access.v1 import access_service_pb2 as pb
from multiflux.access.v1 import consent_pb2, occupancy_pb2
from runtime.call import Call
from vocabulary.failure import invalid
from wire.instants import instant, instant_to_proto, optional_instant, optional_instant_to_proto
from wire.intervals import validity_from_proto, validity_to_proto
from wire.words import granularity_from_proto, granularity_to_proto


def code_order_from_proto(request: pb.IssueOccupancyCodeRequest, call: Call, lifetime: timedelta) -> CodeOrder:
    """Return the code to make; MissingField, InvalidRequest."""
    return CodeOrder(
        premise=place_from_proto(request.premise, "premise"),
        start=instant(request, "occupancy_start_time"),
        expires=call.at + lifetime,
    )


def occupancy_to_proto(occupancy: Occupancy) -> occupancy_pb2.Occupancy:
    """Return the occupancy as the contract writes it."""
    return occupancy_pb2.Occupancy(
        name=f"occupancies/{occupancy.id}",
        person=f"people/{occupancy.person}",
        premise=f"places/{occupancy.premise}",
        validity=validity_to_proto(occupancy.validity),
        verify_time=instant_to_proto(occupancy.verified),
    )


def delegation_order_from_proto(delegation: occupancy_pb2.Delegation, call: Call) -> DelegationOrder:
    """Return the view to let; InvalidRequest, EmptyInterval."""
    refuse_name(delegation.name, "delegation.name")
    if delegation.giver not in ("", call.caller.subject):
        raise invalid("delegation.giver", "must be empty or the caller")
    return DelegationOrder(
        receiver=person_from_proto(delegation.receiver, "delegation.receiver"),
        occupancy=occupancy_from_name(delegation.occupancy, "delegation.occupancy"),
        validity=validity_from_proto(delegation),
    )


def delegation_to_proto(delegation: Delegation) -> occupancy_pb2.Delegation:
    """Return the delegation as the contract writes it."""
    return occupancy_pb2.Delegation(
        name=f"delegations/{delegation.id}",
        giver=f"people/{delegation.giver}",
        receiver=f"people/{delegation.receiver}",
        occupancy=f"occupancies/{delegation.occupancy}",
        validity=validity_to_proto(delegation.validity),
    )


def consent_order_from_proto(consent: consent_pb2.Consent, call: Call) -> ConsentOrder:
    """Return the consent to give; InvalidRequest, EmptyInterval."""
    refuse_name(consent.name, "consent.name")
    if consent.person not in ("", call.caller.subject):
        raise invalid("consent.person", "must be empty or the caller")
    return ConsentOrder(
        point=point_from_proto(consent.metering_point, "consent.metering_point"),
        purpose=purpose_from_proto(consent.purpose, "consent.purpose"),
        granularity=granularity_from_proto(consent.granularity, "consent.granularity"),
        validity=validity_from_proto(consent),
        proof_text=consent.proof_text,
    )


def consent_to_proto(consent: Consent) -> consent_pb2.Consent:
    """Return the consent as the contract writes it."""
    return consent_pb2.Consent(
        name=f"consents/{consent.id}",
        person=f"people/{consent.person}",
        metering_point=f"meters/{consent.point}",
        purpose=consent_pb2.Purpose.ValueType(consent.purpose.value),
        granularity=granularity_to_proto(consent.granularity),
        validity=validity_to_proto(consent.validity),
        proof_text=consent.proof_text,
        give_time=instant_to_proto(consent.given),
        withdraw_time=optional_instant_to_proto(consent.withdrawn),
    )


def consent_question_from_proto(request: pb.ListConsentsRequest) -> ConsentQuestion:
    """Return which consents to list; InvalidRequest."""
    return ConsentQuestion(
        point=point_from_proto(request.metering_point, "metering_point") if request.metering_point else None,
        purpose=purpose_from_proto(request.purpose, "purpose") if request.purpose else None,
        hold_at=optional_instant(request, "hold_time"),
    )


def without_code(response: pb.IssueOccupancyCodeResponse) -> pb.IssueOccupancyCodeResponse:
    """Return what may be stored of the response: all but the code, which is given once."""
    return pb.IssueOccupancyCodeResponse(expire_time=response.expire_time)


def purpose_from_proto(number: int, field: str) -> Purpose:
    """Return the purpose; InvalidRequest names `field` when it is unspecified or unknown."""
    try:
        return Purpose(number)
    except ValueError:
        raise invalid(field, f"{number} is unknown here" if number else "is required") from None
