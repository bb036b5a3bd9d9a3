"""Updates: which fields a mask names, and whether the sender saw the latest version."""

from collections.abc import Collection
from typing import TypeVar

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from vocabulary.failure import Failure, FieldViolation, InvalidRequest, Kind

M = TypeVar("M", bound=Message)


class EtagStale(Failure):
    """Somebody changed the resource since the sender read it: read again, then retry."""

    reason, kind = "ETAG_STALE", Kind.STALE


def masked_paths(mask: FieldMask, updatable: Collection[str]) -> frozenset[str]:
    """Return the paths to replace: those of the mask, or all `updatable` ones when it is empty; InvalidRequest names every other path."""
    unknown = [path for path in mask.paths if path not in updatable]
    if unknown:
        raise InvalidRequest(*(FieldViolation(field="update_mask", description=f"{path!r} cannot be updated") for path in unknown))
    return frozenset(mask.paths or updatable)


def merged(stored: M, sent: M, paths: Collection[str]) -> M:
    """Return `stored` with the fields at `paths` replaced by what was sent; a field that was not sent becomes empty."""
    result = type(stored)()
    result.CopyFrom(stored)
    for path in paths:
        result.ClearField(path)
    FieldMask(paths=sorted(paths)).MergeMessage(sent, result, replace_message_field=True, replace_repeated_field=True)
    return result


def etag(version: int) -> str:
    """Return the tag of a version."""
    return f"v{version}"


def check_etag(sent: str, version: int) -> None:
    """Refuse a tag of another version than the stored one with EtagStale; an empty tag asks for no check."""
    if sent and sent != etag(version):
        raise EtagStale("the resource was changed meanwhile: read it again", etag=sent, current_etag=etag(version))
