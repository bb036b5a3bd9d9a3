"""A simulated gateway that speaks TALQ 2.7.1: it takes programs and overrides for the controllers behind it, and pushes what happens.

What it stores lasts as long as the object, as in a gateway with a memory: its server may stop and start again.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from field.talq_devices import address_of, cabinet_device, flags_of, lamp_device, measured_of, seen, state_of
from field.talq_programs import NotUnderstood, checked_program, course_of, nights_of, span_of
from simulation.controllers import CabinetFault, Controller, Course, Hold, StoredOrder

VERSION = "2.7.1"
_POLL_S = 0.5
_MOST_WAITING = 1_000
"""Log reports that wait for the CMS."""
_MOST_ENTRIES = 500
_PROGRAMS, _CALENDARS = "control-programs", "calendars"
_EVENTS, _VENDOR = "EventRecordingMode", "VendorRecordingMode"

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cms:
    """Where the gateway pushes to, and what it shows there."""

    url: str
    token: str


class _No(Exception):
    """A request is refused, in TALQ's words."""

    def __init__(self, status: int, key: str, description: str) -> None:
        super().__init__(description)
        self.status, self.key, self.description = status, key, description


@dataclass(slots=True)
class TalqGateway:
    """One gateway over some cabinets; `now` tells UTC seconds, `token` is what the CMS must show (empty: nothing)."""

    name: str
    controllers: Sequence[Controller]
    zone: ZoneInfo
    now: Callable[[], float] = time.time
    token: str = ""
    cms: Cms | None = None
    report_every_s: float = 900.0
    most_switch_points: int = 50
    """Programs with more are refused."""
    day_offset_h: int = 12
    first_time: bool = True
    """Whether what is due at a local time that clocks show twice happens the first time alone; else whenever clocks show it."""
    changes: int = field(default=0, init=False)
    """How many requests changed anything."""
    programs: dict[str, Json] = field(default_factory=dict[str, Json], init=False)
    calendars: dict[str, Json] = field(default_factory=dict[str, Json], init=False)
    loggers: dict[str, Json] = field(default_factory=dict[str, Json], init=False)
    assigned: dict[str, str] = field(default_factory=dict[str, str], init=False)
    """The calendar of each lamp."""
    _waiting: dict[str, str] = field(default_factory=dict[str, str], init=False)
    """Calendars that lamps without power get when they have it."""
    _overrides: list[tuple[frozenset[str], Json, float]] = field(default_factory=list[tuple[frozenset[str], Json, float]], init=False)
    """Commands in the order in which they came, and when."""
    _told: dict[str, Json] = field(default_factory=dict[str, Json], init=False)
    _flags: dict[tuple[str, str], bool] = field(default_factory=dict[tuple[str, str], bool], init=False)
    _reported: float = field(default=0.0, init=False)
    _announced: bool = field(default=False, init=False)
    _outbox: deque[tuple[str, str, Any]] = field(default_factory=lambda: deque[tuple[str, str, Any]](maxlen=_MOST_WAITING), init=False)

    @property
    def address(self) -> str:
        """Its TALQ address."""
        return address_of(self.name)

    def is_mute(self) -> bool:
        """Tell whether it was ordered to say nothing."""
        return all(CabinetFault.MUTE in one.cabinet_faults for one in self.controllers)

    def application(self) -> FastAPI:
        """Return what serves the gateway API."""
        return _application(self)

    async def run(self, poll_s: float = _POLL_S) -> None:
        """Look at the lamps and push what is to be told, until cancelled."""
        if self.cms is None:
            while True:
                self.look()
                await asyncio.sleep(poll_s)
        headers = {"talq-api-version": VERSION, "Authorization": f"Bearer {self.cms.token}"}
        async with httpx.AsyncClient(base_url=self.cms.url, headers=headers, trust_env=False) as http:
            while True:
                self.look()
                with suppress(httpx.HTTPError):
                    await self._push(http)
                await asyncio.sleep(poll_s)

    def look(self) -> None:
        """Give lamps that have power now what waits for them, and note what is to be told."""
        for controller in self.controllers:
            woken = {lamp: self._waiting[lamp] for lamp in controller.lamps if lamp in self._waiting}
            if woken and controller.is_powered(self.now()):
                for lamp in woken:
                    del self._waiting[lamp]
                self._follow(controller, woken)
                devices = [one for one in self.devices() if one["name"] in woken]
                self._outbox.append(("PATCH", "/devices", devices))
        if not self._announced:
            self._announce()
        self._note_events()
        if self.now() - self._reported >= self.report_every_s:
            self._note_measurements()

    def services(self) -> list[Json]:
        """Return what it can do."""
        return [
            {"name": "ConfigurationService", "supportedProfiles": ["lighting"]},
            {
                "name": "ControlService",
                "supportedTypes": ["AbsoluteActivePeriod", "AstroClockActivePeriod"],
                "maxSwitchPointsPerProgram": self.most_switch_points,
                "dayOffset": self.day_offset_h,
            },
            {"name": "DataCollectService", "supportedModes": [_VENDOR, _EVENTS, "ImmediateReportingMode"]},
        ]

    def devices(self) -> list[Json]:
        """Return all devices as they are now."""
        found: list[Json] = []
        for controller in self.controllers:
            found.append(cabinet_device(controller))
            states = seen(controller, self.now())
            for name, lamp in controller.lamps.items():
                told = self._told.get(name, {"state": state_of(states[name].told), "reason": "default"})
                found.append(lamp_device(lamp, states[name], self.assigned.get(name, ""), told))
        return found

    def assign(self, lamps: Sequence[str], calendar: str) -> bool:
        """Have lamps follow a calendar, empty: none; False where some have no power and get it later."""
        whole = True
        for controller in self.controllers:
            own = {lamp: calendar for lamp in lamps if lamp in controller.lamps}
            if own and not controller.is_powered(self.now()):
                self._waiting |= own
                whole = False
            elif own:
                self._follow(controller, own)
        return whole

    def override(self, lamps: Sequence[str], command: Json | None) -> None:
        """Override lamps; None takes all overrides of theirs back."""
        if command is None:
            self._overrides = [(left, one, came) for some, one, came in self._overrides if (left := some - set(lamps))]
            for lamp in lamps:
                self._told.pop(lamp, None)
        else:
            self._overrides.append((frozenset(lamps), command, self.now()))
            self._told |= dict.fromkeys(lamps, command)
        for controller in self.controllers:
            if not controller.lamps.keys().isdisjoint(lamps):
                self.apply(controller)

    def apply(self, controller: Controller) -> None:
        """Have a cabinet's controllers follow what is stored for them now."""
        by_calendar: dict[str, list[str]] = {}
        for lamp in controller.lamps:
            if self.assigned.get(lamp):
                by_calendar.setdefault(self.assigned[lamp], []).append(lamp)
        nights = {name: nights_of(self.calendars[name]) for name in by_calendar}
        spans = [span_of(some, self.zone) for some in nights.values()]
        order = StoredOrder(
            version=controller.order.version if controller.order else 0,
            start=min((start for start, _ in spans), default=0.0),
            end=max((end for _, end in spans), default=0.0),
            courses=tuple(self._course(lamps, nights[name]) for name, lamps in by_calendar.items()),
            holds=tuple(self._holds(controller)),
        )
        if order != controller.order:
            controller.take(replace(order, version=order.version + 1))

    def _course(self, lamps: Sequence[str], nights: Mapping[Any, str]) -> Course:
        return course_of(lamps, nights, self.programs, self.zone, first_time=self.first_time)

    def _holds(self, controller: Controller) -> Iterator[Hold]:
        for lamps, command, came in self._overrides:
            own = tuple(lamp for lamp in controller.lamps if lamp in lamps)
            if own:
                yield Hold(
                    lamps=own,
                    start=_seconds(command["start"]) if "start" in command else came,
                    end=_seconds(command["expiration"]) if "expiration" in command else None,
                    level=float(command["state"]["value"]),
                )

    def _follow(self, controller: Controller, lamps: Mapping[str, str]) -> None:
        for lamp, calendar in lamps.items():
            if self.assigned.get(lamp, "") != calendar:
                self.assigned[lamp] = calendar
                self._log(_EVENTS, [{"type": "EventLogData", "srcAddress": f"{address_of(lamp)}/actuator", "eventType": "calendarChange"}])
        self.apply(controller)

    def _announce(self) -> None:
        devices, self._announced = self.devices(), True
        classes = {one["class"]: [{"functionId": each["id"], "type": each["type"]} for each in one["functions"]] for one in devices}
        self._outbox.append(("POST", "/services", self.services()))
        self._outbox.append(("POST", "/device-classes", [{"name": name, "functions": some} for name, some in classes.items()]))
        self._outbox.append(("POST", "/devices", devices))

    def _note_events(self) -> None:
        flags = {source: value for device in self.devices() for source, value in flags_of(device).items()}
        changed = [(source, name, value) for (source, name), value in flags.items() if self._flags.get((source, name), False) != value]
        self._flags = flags
        self._log(
            _EVENTS,
            [{"type": "EventLogData", "srcAddress": source, "eventType": name, "startEndFlag": value} for source, name, value in changed],
        )

    def _note_measurements(self) -> None:
        self._reported = self.now()
        for logger in self.loggers.values():
            if logger["recordingMode"]["type"] == _VENDOR:
                wanted = {
                    content["function"].get("functionType", ""): frozenset(one["name"] for one in content["function"].get("attributes", ()))
                    for content in logger["recordingMode"].get("content", ())
                }
                entries = [
                    {"type": "AttributeLogData", "srcAddress": source, "attributeName": name, "attributeValue": value}
                    for device in self.devices()
                    for source, name, value in measured_of(device, wanted)
                ]
                self._log(_VENDOR, entries)

    def _log(self, mode: str, entries: Sequence[Json]) -> None:
        stamp = datetime.fromtimestamp(self.now(), UTC).isoformat()
        for address, logger in self.loggers.items():
            if logger["recordingMode"]["type"] == mode:
                for first in range(0, len(entries), _MOST_ENTRIES):
                    some = [{"data": {**entry, "timestamp": stamp}} for entry in entries[first : first + _MOST_ENTRIES]]
                    self._outbox.append(("POST", "/log-reports", {"address": address, "entries": some}))

    async def _push(self, http: httpx.AsyncClient) -> None:
        """Push what waits, oldest first; what is refused for good is dropped, what meets nobody stays."""
        while self._outbox and not self.is_mute():
            method, path, body = self._outbox[0]
            asking = {"clientAddress": self.address, "talqRequestId": str(uuid4())}
            response = await http.request(method, path, params=asking, json=body)
            if response.is_server_error or response.status_code in (401, 429):
                return
            self._outbox.popleft()


def _application(gateway: TalqGateway) -> FastAPI:
    api = _Api(gateway)
    application = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    for method, path, handler in (
        ("GET", "/services", api.services),
        ("GET", "/services/{name}", api.services),
        ("GET", "/devices", api.devices),
        ("GET", "/devices/{device}", api.device),
        ("GET", "/devices/{device}/{function}", api.device),
        ("GET", "/devices/{device}/{function}/{attribute}", api.device),
        ("GET", "/logger-configs/{name}", api.logger),
        ("POST", "/logger-configs", api.logger_made),
        ("PUT", "/logger-configs/{name}", api.logger_made),
        ("GET", "/{collection}", api.all),
        ("POST", "/assign-commands", api.assign),
        ("POST", "/override-commands", api.override),
        ("POST", "/{collection}", api.made),
        ("PUT", "/{collection}", api.changed),
        ("GET", "/{collection}/{name}", api.one),
        ("DELETE", "/{collection}/{name}", api.removed),
    ):
        application.add_route(path, api.admitted(handler), methods=[method])
    return application


Handler = Callable[[Request], Awaitable[Response]]


class _Api:
    """The gateway API over HTTP."""

    def __init__(self, gateway: TalqGateway) -> None:
        self._gateway = gateway

    def admitted(self, handler: Handler) -> Handler:
        """Return the handler behind what every request must have."""

        async def admit(request: Request) -> Response:
            if self._gateway.is_mute():
                return Response(status_code=503)
            try:
                self._check(request)
                return await handler(request)
            except _No as no:
                return _errors(no)
            except NotUnderstood as not_understood:
                return _errors(_No(422, "payloadError", str(not_understood)))

        return admit

    async def services(self, request: Request) -> Response:
        known = self._gateway.services()
        name = request.path_params.get("name")
        if name is None:
            return JSONResponse(known)
        return JSONResponse(_found(next((one for one in known if one["name"] == name), None)))

    async def devices(self, request: Request) -> Response:
        del request
        return JSONResponse(self._gateway.devices())

    async def device(self, request: Request) -> Response:
        names = request.path_params
        device = _found(next((one for one in self._gateway.devices() if one["address"] == names["device"]), None))
        if "function" not in names:
            return JSONResponse(device)
        function = _found(next((one for one in device["functions"] if one["id"] == names["function"]), None))
        return JSONResponse(_found(function.get(names["attribute"])) if "attribute" in names else function)

    async def logger(self, request: Request) -> Response:
        return JSONResponse(_found(self._gateway.loggers.get(request.path_params["name"])))

    async def logger_made(self, request: Request) -> Response:
        config = await request.json()
        if request.method == "PUT":
            _found(self._gateway.loggers.get(request.path_params["name"]))
        self._gateway.loggers[config["address"]] = config
        self._gateway.changes += 1
        return Response(status_code=201 if request.method == "POST" else 200)

    async def all(self, request: Request) -> Response:
        return JSONResponse(list(self._shelf(request).values()))

    async def one(self, request: Request) -> Response:
        return JSONResponse(_found(self._shelf(request).get(request.path_params["name"])))

    async def made(self, request: Request) -> Response:
        shelf, some = self._shelf(request), await request.json()
        there = [one["id"] for one in some if one["id"] in shelf]
        if there:
            raise _No(409, "resourceConflict", f"{there[0]} is here already")
        self._keep(request, some)
        return JSONResponse(some, status_code=201)

    async def changed(self, request: Request) -> Response:
        shelf, some = self._shelf(request), await request.json()
        for one in some:
            _found(shelf.get(one["id"]))
        self._keep(request, some)
        for controller in self._gateway.controllers:
            self._gateway.apply(controller)
        return JSONResponse(some)

    async def removed(self, request: Request) -> Response:
        shelf, name = self._shelf(request), request.path_params["name"]
        gone = _found(shelf.get(name))
        calendars = self._gateway.calendars.values()
        used = {rule["program"] for one in calendars for rule in one.get("rules", ())} | {one.get("defaultProgram") for one in calendars}
        if name in used or name in self._gateway.assigned.values():
            raise _No(422, "deletingResourceIsReferred", f"{name} is in use")
        del shelf[name]
        self._gateway.changes += 1
        return JSONResponse(gone)

    async def assign(self, request: Request) -> Response:
        command = await request.json()
        entity, lamps = command["entity"], self._lamps(command)
        if entity["resource"] != _CALENDARS or (entity["address"] and entity["address"] not in self._gateway.calendars):
            raise _No(422, "relatedResourceNotFound", f"there is no {entity['resource']} {entity['address']}")
        self._gateway.changes += 1
        return Response(status_code=201 if self._gateway.assign(lamps, entity["address"]) else 202)

    async def override(self, request: Request) -> Response:
        message = await request.json()
        lamps, command = self._lamps(message), message.get("targetCommand")
        if command is not None and command["state"]["name"] != "LevelState":
            raise _No(422, "overrideCommandNotValid", f"{command['state']['name']} is no state of a lamp")
        self._gateway.override(lamps, command)
        self._gateway.changes += 1
        return Response(status_code=201)

    def _shelf(self, request: Request) -> dict[str, Json]:
        shelves = {_PROGRAMS: self._gateway.programs, _CALENDARS: self._gateway.calendars}
        return _found(shelves.get(request.path_params["collection"]))

    def _keep(self, request: Request, some: Sequence[Json]) -> None:
        gateway, shelf = self._gateway, self._shelf(request)
        if request.path_params["collection"] == _PROGRAMS:
            for one in some:
                checked_program(one)
                if len(one["fixedTimeControls"]) > gateway.most_switch_points:
                    raise _No(422, "serviceConstraintExceeded", f"{one['id']} has more than {gateway.most_switch_points} switch points")
        else:
            for one in some:
                missing = set(nights_of(one).values()) - gateway.programs.keys()
                if missing:
                    raise _No(422, "relatedResourceNotFound", f"there is no program {min(missing)}")
        shelf.update({one["id"]: one for one in some})
        gateway.changes += 1

    def _lamps(self, message: Json) -> list[str]:
        by_address = {address_of(lamp): lamp for controller in self._gateway.controllers for lamp in controller.lamps}
        addresses = [one["address"].partition("/")[0] for one in message.get("addresses", ())]
        strange = [one for one in addresses if one not in by_address]
        if strange or not addresses:
            raise _No(422, "assignmentAddressNotValid", f"there is no lamp {strange[0] if strange else ''}")
        return [by_address[one] for one in addresses]

    def _check(self, request: Request) -> None:
        if self._gateway.token and request.headers.get("authorization") != f"Bearer {self._gateway.token}":
            raise _No(401, "genericError", "the bearer token is not the CMS's")
        if request.headers.get("talq-api-version") != VERSION:
            raise _No(400, "headerMissing", "talq-api-version must be 2.7.1")
        for name in ("clientAddress", *(() if request.method == "GET" else ("talqRequestId",))):
            try:
                UUID(request.query_params.get(name, ""))
            except ValueError:
                raise _No(400, "parameterMissing", f"{name} must be a UUID") from None


def _found(thing: Any) -> Any:
    if thing is None:
        raise _No(404, "resourceNotFound", "there is no such thing")
    return thing


def _errors(no: _No) -> Response:
    return JSONResponse([{"key": no.key, "description": no.description}], status_code=no.status)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
