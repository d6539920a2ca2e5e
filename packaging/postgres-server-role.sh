#!/bin/sh
# Makes the role of the server when the database of compose.yaml starts for the first time; what it may do is given by
# `aftermap migrate --grant-to aftermap_server`.
set -eu

psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set ON_ERROR_STOP=1 --set password="$AFTERMAP_SERVER_PASSWORD" <<'SQL'
CREATE ROLE aftermap_server LOGIN PASSWORD :'password';
SQL
