"""The CMS API of TALQ 2.7.1, which gateways push to: what is mandatory for lighting. What is not is said to be so.

A gateway is known by its bearer token alone, and speaks for itself alone. Every refusal is TALQ's: a list of error messages, each with
a key.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from hmac import compare_digest
from typing import Any
from uuid import UUID

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException

from lighting.adapters.field_talq import Desk, GatewayName
from lighting.adapters.talq_messages import DEVICE, DEVICE_CLASS, DEVICE_CLASSES, DEVICES, LOG_REPORT, SERVICES, Json, loggers

_log = logging.getLogger(__name__)

_MAJOR = "2."
_OPTIONAL = ("bracket-types", "controller-types", "data-packages", "driver-types", "groups", "lamp-types", "luminaire-types")
_DALI = "-dali-part"
_MOST_TOLD = 5
_NOT_FOUND, _NOT_ALLOWED = 404, 405

Handler = Callable[[Request, Desk], Awaitable[Response]]


class _No(Exception):
    """A request is refused, in TALQ's words."""

    def __init__(self, status: int, key: str, *descriptions: str) -> None:
        super().__init__(key)
        self.status, self.key, self.descriptions = status, key, descriptions


def cms_application(desks: Mapping[GatewayName, Desk], most_bytes: int) -> FastAPI:
    """Return the application that serves what gateways push to their desks; no body may be larger than `most_bytes`."""
    pages = _Pages(desks, most_bytes)
    application = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    for method, path, handler in (
        ("POST", "/log-reports", pages.log_reports),
        ("GET", "/logger-configs/{logger}", pages.logger),
        ("GET", "/devices", pages.devices),
        ("POST", "/devices", pages.devices_told),
        ("PUT", "/devices", pages.devices_told),
        ("PATCH", "/devices", pages.devices_told),
        ("GET", "/devices/{device}", pages.device),
        ("PUT", "/devices/{device}", pages.device_told),
        ("PATCH", "/devices/{device}", pages.device_told),
        ("DELETE", "/devices/{device}", pages.device_gone),
        ("GET", "/devices/{device}/{function}", pages.function),
        ("GET", "/devices/{device}/{function}/{attribute}", pages.attribute),
        ("POST", "/device-classes", pages.taken(DEVICE_CLASSES)),
        ("PUT", "/device-classes", pages.taken(DEVICE_CLASSES)),
        ("PUT", "/device-classes/{name}", pages.taken(DEVICE_CLASS)),
        ("DELETE", "/device-classes/{name}", pages.class_gone),
        ("POST", "/services", pages.services_told),
    ):
        application.add_route(path, pages.admitted(handler), methods=[method])
    application.add_exception_handler(_No, _told)
    application.add_exception_handler(HTTPException, _unknown)
    return application


class _Pages:
    def __init__(self, desks: Mapping[GatewayName, Desk], most_bytes: int) -> None:
        self._desks = [desk for desk in desks.values() if desk.peer.push_token]
        self._most_bytes = most_bytes

    def admitted(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Return the handler behind the check of who asks, and how."""

        async def admit(request: Request) -> Response:
            desk = self._desk(request)
            _check_asking(request)
            return await handler(request, desk)

        return admit

    def taken(self, form: TypeAdapter[Any]) -> Handler:
        """Return a handler that reads what must be readable, and needs nothing of it."""

        async def take(request: Request, desk: Desk) -> Response:
            del desk
            told = await self._body(request, form)
            return JSONResponse(told, status_code=201 if request.method == "POST" else 200)

        return take

    async def log_reports(self, request: Request, desk: Desk) -> Response:
        told = await self._body(request, LOG_REPORT)
        strange = await desk.logged(LOG_REPORT.validate_python(told))
        if strange:
            _log.warning("log entries of unknown devices", extra={"gateway": desk.gateway.address, "entries": strange})
        return _created()

    async def logger(self, request: Request, desk: Desk) -> Response:
        address = request.path_params["logger"]
        found = loggers(desk.habits.owner).get(address)
        if found is None:
            raise _No(404, "resourceNotFound", f"there is no logger {address}")
        return JSONResponse(found)

    async def devices(self, request: Request, desk: Desk) -> Response:
        del request
        return JSONResponse(list(desk.devices.all.values()))

    async def devices_told(self, request: Request, desk: Desk) -> Response:
        told = await self._body(request, DEVICES)
        if request.method == "PATCH":
            for device in told:
                _known(desk, device["address"])
        await desk.changed(told)
        return Response() if request.method == "PATCH" else JSONResponse(told, status_code=201 if request.method == "POST" else 200)

    async def device(self, request: Request, desk: Desk) -> Response:
        return JSONResponse(_known(desk, request.path_params["device"]))

    async def device_told(self, request: Request, desk: Desk) -> Response:
        told, address = await self._body(request, DEVICE), request.path_params["device"]
        _known(desk, address)
        if told["address"] != address:
            raise _No(400, "payloadError", f"the device is {told['address']}, and the path says {address}")
        await desk.changed([told])
        return Response() if request.method == "PATCH" else JSONResponse(desk.devices.all[address])

    async def device_gone(self, request: Request, desk: Desk) -> Response:
        device = _known(desk, request.path_params["device"])
        del desk.devices.all[device["address"]]
        return JSONResponse(device)

    async def function(self, request: Request, desk: Desk) -> Response:
        return JSONResponse(_function(desk, request))

    async def attribute(self, request: Request, desk: Desk) -> Response:
        function, name = _function(desk, request), request.path_params["attribute"]
        if not isinstance(function.get(name), dict):
            raise _No(404, "resourceNotFound", f"there is no attribute {name}")
        return JSONResponse(function[name])

    async def class_gone(self, request: Request, desk: Desk) -> Response:
        del desk
        return JSONResponse({"name": request.path_params["name"]})

    async def services_told(self, request: Request, desk: Desk) -> Response:
        await self._body(request, SERVICES)
        desk.introduce_again()
        return _created()

    def _desk(self, request: Request) -> Desk:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        shown = token.strip().encode()
        # All are compared, so that time tells nothing.
        found = [desk for desk in self._desks if compare_digest(desk.peer.push_token.encode(), shown)]
        if scheme.lower() != "bearer" or not found:
            raise _No(401, "genericError", "the bearer token is none of a gateway's")
        return found[0]

    async def _body(self, request: Request, form: TypeAdapter[Any]) -> Any:
        body = bytearray()
        async for block in request.stream():
            body += block
            if len(body) > self._most_bytes:
                raise _No(413, "payloadError", f"the body is larger than {self._most_bytes} bytes")
        try:
            told = json.loads(bytes(body))
            form.validate_python(told)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_input=False)[:_MOST_TOLD]
            raise _No(400, "payloadError", *(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in problems)) from None
        except (ValueError, RecursionError):
            raise _No(400, "payloadError", "the body is no JSON") from None
        return told


def _check_asking(request: Request) -> None:
    version = request.headers.get("talq-api-version")
    if version is None:
        raise _No(400, "headerMissing", "talq-api-version is missing")
    if not version.startswith(_MAJOR):
        raise _No(400, "headerValueNotValid", f"talq-api-version is {version}, and 2.7.1 is spoken here")
    for name in ("clientAddress", *(("talqRequestId",) if request.method != "GET" else ())):
        value = request.query_params.get(name)
        if value is None:
            raise _No(400, "parameterMissing", f"{name} is missing")
        try:
            UUID(value)
        except ValueError:
            raise _No(400, "parameterValueNotValid", f"{name} is no UUID") from None


def _known(desk: Desk, address: str) -> Json:
    found = desk.devices.all.get(address)
    if found is None:
        raise _No(404, "resourceNotFound", f"there is no device {address}")
    return found


def _function(desk: Desk, request: Request) -> Json:
    name = request.path_params["function"]
    for function in _known(desk, request.path_params["device"]).get("functions", []):
        if function["id"] == name:
            return function
    raise _No(404, "resourceNotFound", f"there is no function {name}")


def _created() -> Response:
    return Response(status_code=201)


def _errors(status: int, key: str, *descriptions: str) -> Response:
    return JSONResponse([{"key": key, "description": description} for description in descriptions], status_code=status)


async def _told(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, _No)  # noqa: S101 - it is what the handler was added for
    return _errors(error.status, error.key, *error.descriptions)


async def _unknown(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status not in (_NOT_FOUND, _NOT_ALLOWED):
        return _errors(status, "genericError", str(error))
    collection = request.url.path.strip("/").partition("/")[0]
    if collection in _OPTIONAL or _DALI in collection:
        return _errors(501, "genericError", f"{collection} is optional for lighting, and not kept here")
    return _errors(status, "resourceNotFound", f"there is no {request.method} {request.url.path}")
