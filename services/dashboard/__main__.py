"""Serves the pages."""

import asyncio
import sys

import uvicorn

from dashboard.app import build
from dashboard.settings import DashboardSettings
from runtime.logs import configure_logs
from runtime.server import EXIT_FAILED, EXIT_MISCONFIGURED, refuse_taken_port
from runtime.settings import SettingsInvalid, load
from vocabulary.failure import Failure


def main() -> int:
    """Read the settings, serve until SIGTERM, drain; return the exit code. A named failure at the start is one clear line."""
    try:
        settings = load(DashboardSettings)
        configure_logs(level=settings.log_level, style=settings.log_format)
        refuse_taken_port(settings.host, settings.port)
    except Failure as failure:
        sys.stderr.write(f"{failure.reason}: {failure.message}\n")
        return EXIT_MISCONFIGURED if isinstance(failure, SettingsInvalid) else EXIT_FAILED
    asyncio.run(_serve(settings))
    return 0


async def _serve(settings: DashboardSettings) -> None:
    # Channels belong to the event loop in which they are opened: the application is built inside it.
    await uvicorn.Server(_config(settings)).serve()


def _config(settings: DashboardSettings) -> uvicorn.Config:
    return uvicorn.Config(
        build(settings),
        host=settings.host,
        port=settings.port,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(settings.drain_s),
    )


if __name__ == "__main__":
    sys.exit(main())
