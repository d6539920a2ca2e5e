#!/usr/bin/env bash
# Runs a command beside a throw-away PostgreSQL: makes a cluster in a temporary folder, reached through a socket in that
# folder and so by nobody else, names it in AFTERMAP_TEST_POSTGRES, and takes it away however the command ends.
#
#   scripts/with-postgres.sh cargo test
set -euo pipefail

[ $# -gt 0 ] || { echo "usage: scripts/with-postgres.sh COMMAND…" >&2; exit 2; }

# Debian keeps the server's programs out of PATH; the newest version wins.
find_programs() {
  local initdb
  for initdb in $(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -rV) "$(command -v initdb || true)"; do
    if [ -x "$initdb" ] && [ -x "${initdb%/initdb}/postgres" ]; then
      echo "${initdb%/initdb}"
      return
    fi
  done
  echo "no PostgreSQL server found (initdb and postgres): install postgresql" >&2
  return 1
}

programs=$(find_programs)
cluster=$(mktemp -d)
server=

stop() {
  if [ -n "$server" ]; then
    # INT is a fast shutdown: connected clients are cut off.
    pid=$(head -n 1 "$cluster/data/postmaster.pid" 2>/dev/null || true)
    kill -INT "${pid:-$server}" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$cluster"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# PostgreSQL refuses to run as root; Debian's package brings a user for it.
as=()
if [ "$(id -u)" = 0 ]; then
  owner=$(id -nu postgres 2>/dev/null || echo nobody)
  chown "$owner" "$cluster"
  as=(runuser -u "$owner" --)
fi

# From the folder itself: the other user may not be allowed to see where we are.
in_cluster() { (cd "$cluster" && exec "${as[@]}" "$@"); }

in_cluster "$programs/initdb" -D data -U postgres -A trust -E UTF8 --locale=C --no-sync >"$cluster/log" 2>&1 || {
  cat "$cluster/log" >&2
  exit 1
}
# Nothing in here is worth an fsync, unless a measurement says so (AFTERMAP_POSTGRES_FSYNC=on). 300 connections: tests run side by side, each with pools of its own.
in_cluster "$programs/postgres" -D data -c listen_addresses= -k "$cluster" \
  -c fsync="${AFTERMAP_POSTGRES_FSYNC:-off}" -c full_page_writes="${AFTERMAP_POSTGRES_FSYNC:-off}" -c max_connections=300 >"$cluster/log" 2>&1 </dev/null &
server=$!

ready() { grep -qs ready "$cluster/data/postmaster.pid"; }
for _ in $(seq 300); do
  if ready || ! kill -0 "$server" 2>/dev/null; then break; fi
  sleep 0.1
done
ready || {
  echo "PostgreSQL did not start:" >&2
  cat "$cluster/log" >&2
  exit 1
}

export AFTERMAP_TEST_POSTGRES="postgres://postgres@/postgres?host=$cluster"
"$@"
