"""Puts the commands together."""

from typing import Any

import typer

from console.commands import audit, backup, events, import_readings, lighting, migrate, registry, serve, simulate, status, token, up
from console.exits import EXIT_CODES

app = typer.Typer(
    help="Water, gas and electricity of local authorities: start the services, bring files in and out, sign in, read the audit log.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_OWN: dict[str, Any] = {"epilog": EXIT_CODES}
app.command("up", **_OWN)(up.up)
app.command("serve", **_OWN)(serve.serve)
app.command("status", **_OWN)(status.status)
app.command("token", **_OWN)(token.token)
app.command("audit", **_OWN)(audit.audit)
app.command("simulate", **_OWN)(simulate.simulate)
app.add_typer(registry.app, name="registry", **_OWN)
app.add_typer(lighting.app, name="lighting", **_OWN)
app.add_typer(import_readings.app, name="import", **_OWN)
app.add_typer(events.app, name="events", **_OWN)
app.command("backup", **_OWN)(backup.backup)
app.command("restore", **_OWN)(backup.restore)
app.command("verify", **_OWN)(backup.verify)
app.command("migrate", **_OWN)(migrate.migrate)
