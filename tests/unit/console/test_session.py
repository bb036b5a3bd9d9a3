"""Who is signed in: kept privately, and each refresh token used once, even by commands that run at once."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from console.session import Session, SessionFile, SessionProblem, SessionTokens
from multiflux_client.access import AccessClient, InternalToken, RefreshToken
from vocabulary.names import TerritoryId

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
HERE = "127.0.0.1:7301"


def session(*, expires: datetime = NOW + timedelta(minutes=5)) -> Session:
    return Session(
        access=HERE,
        territory=TerritoryId("town"),
        subject="people/ada",
        purpose="support",
        token="token-0",
        expires=expires,
        refresh_token="refresh-0",
    )


class Access:
    """Hands out numbered tokens, and refuses a refresh token that was used."""

    def __init__(self) -> None:
        self.used: list[str] = []

    async def exchange_token(self, credential: RefreshToken, *, territory: TerritoryId, purpose: str) -> InternalToken:
        assert (territory, purpose) == ("town", "support")
        assert credential.token not in self.used
        self.used.append(credential.token)
        number = len(self.used)
        await asyncio.sleep(0)
        return InternalToken(
            token=f"token-{number}", expires=NOW + timedelta(minutes=5), refresh_token=f"refresh-{number}", subject="people/ada", grants=()
        )


@pytest.fixture
def file(tmp_path: Path) -> SessionFile:
    return SessionFile(tmp_path / "config" / "multiflux" / "session.json")


def tokens(file: SessionFile, access: Access, *, at: str = HERE, at_least: timedelta = timedelta(seconds=60)) -> SessionTokens:
    return SessionTokens(file, cast("AccessClient", access), at=at, at_least=at_least, now=lambda: NOW)


def test_a_session_comes_back_as_it_was_kept(file: SessionFile) -> None:
    file.store(session())
    assert file.load() == session()


def test_only_the_user_can_read_it(file: SessionFile) -> None:
    file.store(session())
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.path.parent.stat().st_mode & 0o777 == 0o700
    assert list(file.path.parent.iterdir()) == [file.path]


def test_one_that_others_could_read_is_not_used(file: SessionFile) -> None:
    file.store(session())
    file.path.chmod(0o640)
    with pytest.raises(SessionProblem) as caught:
        file.load()
    assert caught.value.reason == "SESSION_EXPOSED"


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"access": 1}', "not json"])
def test_one_that_cannot_be_read_says_so(file: SessionFile, text: str) -> None:
    file.store(session())
    file.path.write_text(text)
    with pytest.raises(SessionProblem) as caught:
        file.load()
    assert caught.value.reason == "SESSION_UNREADABLE"


def test_without_one_nobody_is_signed_in(file: SessionFile) -> None:
    file.store(session())
    file.forget()
    with pytest.raises(SessionProblem, match="multiflux token") as caught:
        file.load()
    assert caught.value.reason == "NOT_SIGNED_IN"


async def test_a_token_that_lives_is_used_without_asking(file: SessionFile) -> None:
    file.store(session())
    access = Access()
    assert await tokens(file, access).token() == "token-0"
    assert access.used == []


async def test_a_token_that_ends_soon_is_renewed_and_kept(file: SessionFile) -> None:
    file.store(session(expires=NOW + timedelta(seconds=59)))
    access = Access()
    assert await tokens(file, access).token() == "token-1"
    assert file.load().refresh_token == "refresh-1"
    assert file.load().territory == "town"


async def test_a_long_stream_asks_for_a_token_with_a_long_life(file: SessionFile) -> None:
    file.store(session(expires=NOW + timedelta(seconds=200)))
    assert await tokens(file, Access(), at_least=timedelta(seconds=240)).token() == "token-1"


async def test_a_session_is_never_sent_to_another_access_service(file: SessionFile) -> None:
    file.store(session(expires=NOW))
    access = Access()
    with pytest.raises(SessionProblem) as caught:
        await tokens(file, access, at="192.0.2.1:7301").token()
    assert caught.value.reason == "SIGNED_IN_ELSEWHERE"
    assert access.used == []


def test_commands_that_run_at_once_use_a_refresh_token_once(file: SessionFile) -> None:
    file.store(session(expires=NOW))
    access, given = Access(), list[str]()

    def command() -> None:
        given.append(asyncio.run(tokens(file, access).token()))

    commands = [threading.Thread(target=command) for _ in range(8)]
    for thread in commands:
        thread.start()
    for thread in commands:
        thread.join()
    assert given == ["token-1"] * 8
    assert access.used == ["refresh-0"]
