"""The handlers of the lighting's addresses: nights, commands, plans, programmes and calendars."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from dashboard.calendars import calendar_page, calendars_page, keep_calendar
from dashboard.commands import commands_page, give_command, is_serious, problem_of, wanted
from dashboard.desk import Desk, words_in
from dashboard.gateway import Gateway
from dashboard.night import night_of, night_page
from dashboard.plans import change_plan, nights_from, plan_page
from dashboard.programmes import ListPage, keep_programme, programme_page, programmes_page
from dashboard.words import Words
from multiflux_client.failures import RemoteFailure
from vocabulary.failure import InvalidRequest, invalid


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    """Things that an operator lists and edits: how they are listed, shown in a form, and kept."""

    collection: str
    template: str
    listed: Callable[[Gateway, Words], Awaitable[ListPage]]
    shown: Callable[..., Awaitable[Any]]
    keep: Callable[[Gateway, str, Mapping[str, str]], Awaitable[str]]


_EDITED = (
    _Kept(collection="programmes", template="programme.html", listed=programmes_page, shown=programme_page, keep=keep_programme),
    _Kept(collection="calendars", template="calendar.html", listed=calendars_page, shown=calendar_page, keep=keep_calendar),
)


class LightingPages:
    """The handlers of all that is under `/lighting`."""

    def __init__(self, desk: Desk) -> None:
        """Show whoever is signed in at `desk` what the lighting service shows that person."""
        self._desk = desk

    def add_to(self, app: FastAPI) -> None:
        """Add the addresses to the application."""
        app.get("/{language}/lighting", response_class=HTMLResponse)(self.night)
        app.get("/{language}/lighting/commands", response_class=HTMLResponse)(self.commands)
        app.post("/{language}/lighting/commands")(self.command)
        app.get("/{language}/lighting/groups/{group}", response_class=HTMLResponse)(self.plan)
        app.post("/{language}/lighting/groups/{group}")(self.change_plan)
        for kept in _EDITED:
            address = f"/{{language}}/lighting/{kept.collection}"
            app.get(address, response_class=HTMLResponse)(partial(self.listed, kept))
            app.get(address + "/{name}", response_class=HTMLResponse)(partial(self.edited, kept))
            app.post(address + "/{name}")(partial(self.change, kept))

    async def night(self, request: Request, language: str, night: str = "") -> Response:
        """Show what the street lighting is to do in a night."""
        words, gateway = words_in(language), self._desk.seen_by(request)
        try:
            day = date.fromisoformat(night) if night else None
        except ValueError:
            raise invalid("night", f"{night!r} is not a date such as 2026-01-31") from None
        if day is None:
            day = night_of(datetime.now(UTC), ZoneInfo((await gateway.registry.territory()).time_zone))
        page = await night_page(gateway, words, day)
        return self._desk.shown("lighting.html", request, words, page)

    async def commands(self, request: Request, language: str) -> Response:
        """Show the commands that hold, and the forms that give others."""
        words = words_in(language)
        page = await commands_page(self._desk.seen_by(request), words, {})
        return self._desk.shown("commands.html", request, words, page)

    async def command(self, request: Request, language: str) -> Response:
        """Give a command, a serious one only when it was asked for twice; or end one."""
        words, (session, form) = words_in(language), await self._desk.sent(request)
        gateway, address = session.gateway, f"/{words.language}/lighting/commands"
        if name := form.get("end", ""):
            await gateway.lighting.end_command(name)
            return RedirectResponse(address, status_code=303)
        zone, status = ZoneInfo((await gateway.registry.territory()).time_zone), 200
        try:
            asked = wanted(form, zone, datetime.now(UTC))
            if not is_serious(asked) or form.get("confirmed"):
                await give_command(gateway, asked)
                return RedirectResponse(address, status_code=303)
            page = await commands_page(gateway, words, form, asking=asked)
        except (InvalidRequest, RemoteFailure) as failure:
            page, status = await commands_page(gateway, words, form, problem=problem_of(words, failure)), 400
        return self._desk.shown("commands.html", request, words, page, status=status)

    async def plan(self, request: Request, language: str, group: str) -> Response:
        """Show the draft and the versions of a group's plan."""
        words = words_in(language)
        page = await plan_page(self._desk.seen_by(request), words, group, datetime.now(UTC))
        return self._desk.shown("plan.html", request, words, page)

    async def change_plan(self, request: Request, language: str, group: str) -> Response:
        """Change a group's draft, rehearse it, publish it, or go back to a former version."""
        words, (session, form) = words_in(language), await self._desk.sent(request)
        nights, status, problem = None, 200, ""
        try:
            if "first" in form:
                nights = nights_from(form["first"], form.get("last", ""))
            else:
                await change_plan(session.gateway, group, form)
                return RedirectResponse(f"/{words.language}/lighting/groups/{group}", status_code=303)
        except (InvalidRequest, RemoteFailure) as failure:
            problem, status = problem_of(words, failure), 400
        page = await plan_page(session.gateway, words, group, datetime.now(UTC), nights=nights, problem=problem)
        return self._desk.shown("plan.html", request, words, page, status=status)

    async def listed(self, kept: _Kept, request: Request, language: str) -> Response:
        """List the programmes, or the calendars."""
        words = words_in(language)
        return self._desk.shown("listed.html", request, words, await kept.listed(self._desk.seen_by(request), words))

    async def edited(self, kept: _Kept, request: Request, language: str, name: str) -> Response:
        """Show the form of one of them, or of a new one."""
        words = words_in(language)
        return self._desk.shown(kept.template, request, words, await kept.shown(self._desk.seen_by(request), words, name))

    async def change(self, kept: _Kept, request: Request, language: str, name: str) -> Response:
        """Keep what the form says of one of them."""
        words, (session, form) = words_in(language), await self._desk.sent(request)
        try:
            kept_as = await kept.keep(session.gateway, name, form)
            return RedirectResponse(f"/{words.language}/lighting/{kept.collection}/{kept_as}", status_code=303)
        except (InvalidRequest, RemoteFailure) as failure:
            problem = problem_of(words, failure)
        page = await kept.shown(session.gateway, words, name, form=form, problem=problem)
        return self._desk.shown(kept.template, request, words, page, status=400)
