#!/usr/bin/env bash
# How much backups slow a busy server: the load of benches/load in turns alone and beside backups that follow each other
# without a pause; prints each pair and the median of the ratios. The machine should do nothing else.
#
#   benches/backup.sh [PAIRS]          LOAD and AFTERMAP name programs that are built already
set -euo pipefail
cd "$(dirname "$0")/.."

pairs=${1:-10}
load=${LOAD:-$(cargo bench --no-run --bench load 2>&1 | sed -n 's/.*(\(.*load-[0-9a-f]*\))$/\1/p' | tail -n 1)}
aftermap=${AFTERMAP:-target/release/aftermap}
folder=$(mktemp -d)
backups=
trap '[ -z "$backups" ] || kill "$backups" 2>/dev/null || true; rm -rf "$folder"' EXIT

# Labels per second of one turn.
turn() {
  "$load" --server "$aftermap" --seconds "${SECONDS_EACH:-6}" --warm-up 1 --database sqlite --no-disk --folder "$folder" --tiles 50000 --labels 500000 2>>"$folder/log" |
    awk '$1 == "sqlite" { print $7 }'
}

back_up_without_pause() {
  while :; do
    "$aftermap" backup --without-archives --keep 1 --database-url "sqlite:$folder/town-50000-500000-2000.sqlite" --data "$folder/data" --out "$folder/backups" >>"$folder/done" 2>>"$folder/log" || true
  done
}

turn >/dev/null # fills the database
: >"$folder/done"
for pair in $(seq "$pairs"); do
  alone=$(turn)
  back_up_without_pause &
  backups=$!
  beside=$(turn)
  kill "$backups" && wait "$backups" 2>/dev/null || true
  backups=
  echo "$pair alone $alone beside $beside" | awk '{ printf "%s: %d a second alone, %d beside backups: %.3f\n", $1, $3, $5, $5 / $3 }'
done | tee "$folder/pairs"
echo "backups made: $(grep -c '^backup ' "$folder/done")"
awk '{ print $NF }' "$folder/pairs" | sort -n | awk '{ all[NR] = $1 } END { print "median of beside / alone:", all[int((NR + 1) / 2)] }'
