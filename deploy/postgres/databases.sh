#!/bin/sh
# A database for each service, which it alone may use. PostgreSQL's image runs this once, when its volume is empty.
set -eu
for file in /run/multiflux/passwords/*; do
    service=$(basename "$file")
    psql --username=postgres --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=service="$service" --set=password="$(cat "$file")" <<'SQL'
CREATE ROLE :"service" LOGIN PASSWORD :'password';
CREATE DATABASE :"service" OWNER :"service";
REVOKE ALL ON DATABASE :"service" FROM PUBLIC;
SQL
done
