#!/bin/bash
# What the entrypoint of PostgreSQL's image does at its first start, for the settings that compose.yaml uses.
set -euo pipefail
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" $POSTGRES_INITDB_ARGS >/dev/null
    pg_ctl start --wait --options="-c listen_addresses='' $(printf '%s ' "${@:2}")" >/dev/null
    for script in /docker-entrypoint-initdb.d/*.sh; do "$script"; done
    pg_ctl stop --wait --mode=fast >/dev/null
fi
exec "$@" -c listen_addresses='*'
