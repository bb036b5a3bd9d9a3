"""Answers LightingService."""

from lighting.servicer.commands import CommandMethods
from lighting.servicer.drafts import DraftMethods
from lighting.servicer.field import FieldMethods
from lighting.servicer.files import FileMethods
from lighting.servicer.plans import PlanMethods
from multiflux.lighting.v1.lighting_service_pb2_grpc import LightingServiceServicer


class LightingServicer(DraftMethods, PlanMethods, CommandMethods, FieldMethods, FileMethods, LightingServiceServicer):
    """Everything about a territory's lighting."""
