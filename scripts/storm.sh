#!/usr/bin/env bash
# The long storm: every fault of docs/guarantees.md in full count, on SQLite and on a throw-away PostgreSQL, one after
# the other. Usage: storm.sh [SEED] [TEST…], for instance: storm.sh 7 kills:: cuts::
set -euo pipefail
cd "$(dirname "$0")/.."

seed=${1:-${AFTERMAP_STORM_SEED:-$(date +%s)}}
shift || true
echo "storm with seed $seed"
AFTERMAP_STORM=long AFTERMAP_STORM_SEED=$seed \
  exec scripts/with-postgres.sh cargo test --test storm -- --nocapture --test-threads=1 "$@"
