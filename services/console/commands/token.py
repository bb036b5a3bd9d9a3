"""`multiflux token`: sign in, get a token, sign out."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from console import output
from console.connect import access_connection, access_target, own_secret
from console.exits import Exit, readable, run, usage
from console.session import Session, SessionFile, SessionTokens, session_of
from console.settings import ConsoleSettings, load
from multiflux_client.access import AccessClient, SubjectToken
from vocabulary.names import PersonId, TerritoryId, checked_id, id_in


def token(
    person: Annotated[str, typer.Option(help="Sign in as this demo person of the local issuer, such as administrator.")] = "",
    oidc_token: Annotated[
        Path | None,
        typer.Option(
            callback=readable,
            help="Sign in with the ID token of your OIDC issuer that this file holds; - reads it from standard input.",
        ),
    ] = None,
    territory: Annotated[str, typer.Option(help="The territory to sign in to.")] = "",
    purpose: Annotated[str, typer.Option(help="What the tokens are for; the audit log keeps it.")] = "",
    sign_out: Annotated[bool, typer.Option("--sign-out", help="End the session and forget it.")] = False,  # noqa: FBT002  # typer reads it by name
    as_json: Annotated[bool, typer.Option("--json", help="Print who is signed in too, as JSON.")] = False,  # noqa: FBT002  # typer reads it by name
) -> None:
    """Print an internal token of at most five minutes, for `authorization: Bearer …`.

    Sign in once with --person or --oidc-token and --territory; then the session goes on by itself.
    It is kept in multiflux/session.json of the user's configuration (or in MULTIFLUX_SESSION_FILE), which only the user can read.
    """
    if sum((bool(person), oidc_token is not None, sign_out)) > 1:
        raise usage("choose one of --person, --oidc-token and --sign-out")
    if (person or oidc_token) and not territory:
        raise usage("--territory says where to sign in to")
    if sign_out:
        run(_sign_out(), as_json=as_json)
    elif person:
        run(_sign_in_locally(person, territory, purpose, as_json=as_json), as_json=as_json)
    elif oidc_token is not None:
        text = sys.stdin.read() if str(oidc_token) == "-" else oidc_token.read_text(encoding="utf-8")
        run(_sign_in(text.strip(), territory, purpose, as_json=as_json), as_json=as_json)
    else:
        run(_go_on(as_json=as_json), as_json=as_json)


async def _sign_in_locally(person: str, territory: str, purpose: str, *, as_json: bool) -> Exit:
    settings = load()
    who, where = PersonId(_id(person, "people")), TerritoryId(_id(territory, "territories"))
    async with access_connection(settings) as connection:
        access = AccessClient(connection)
        subject = await access.sign_in_locally(who, where, service=own_secret(settings))
        return await _exchange(settings, access, subject, where, purpose, as_json=as_json)


async def _sign_in(subject_token: str, territory: str, purpose: str, *, as_json: bool) -> Exit:
    settings = load()
    async with access_connection(settings) as connection:
        where = TerritoryId(_id(territory, "territories"))
        return await _exchange(settings, AccessClient(connection), SubjectToken(token=subject_token), where, purpose, as_json=as_json)


async def _exchange(
    settings: ConsoleSettings, access: AccessClient, subject: SubjectToken, territory: TerritoryId, purpose: str, *, as_json: bool
) -> Exit:
    given = await access.exchange_token(subject, territory=territory, purpose=purpose)
    session = session_of(given, access=access_target(settings).address, territory=territory, purpose=purpose)
    file = SessionFile(settings.session)
    with file.locked():
        file.store(session)
    _print(session, as_json=as_json)
    return Exit.OK


async def _go_on(*, as_json: bool) -> Exit:
    settings = load()
    file = SessionFile(settings.session)
    async with access_connection(settings) as connection:
        await SessionTokens(file, AccessClient(connection), at=access_target(settings).address).token()
    _print(file.load(), as_json=as_json)
    return Exit.OK


async def _sign_out() -> Exit:
    settings = load()
    file = SessionFile(settings.session)
    with file.locked():
        session = file.load()
        async with access_connection(settings) as connection:
            await AccessClient(connection).sign_out(session.refresh_token)
        file.forget()
    return Exit.OK


def _print(session: Session, *, as_json: bool) -> None:
    if as_json:
        output.json_line(
            {
                "token": session.token,
                "expires": session.expires.isoformat(),
                "subject": session.subject,
                "territory": f"territories/{session.territory}",
            }
        )
    else:
        sys.stdout.write(session.token + "\n")


def _id(text: str, collection: str) -> str:
    """Return the id in `collection/id` or `id`."""
    return id_in(text, collection) if "/" in text else checked_id(text)
