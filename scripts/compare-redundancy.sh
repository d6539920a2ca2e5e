#!/usr/bin/env bash
# Adaptive against fixed redundancy, through the real server: the same synthetic town, the same seeded volunteers, one
# campaign for each policy. Prints labels, accuracy and damage recall for each seed. Usage: compare-redundancy.sh [SEED…]
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --quiet
binary=${CARGO_TARGET_DIR:-target}/debug/aftermap
work=$(mktemp -d)
server=
stop() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null; } || true
  rm -rf "$work"
}
trap stop EXIT

export AFTERMAP_DATA_DIR=$work/data RUST_LOG=warn
"$binary" demo --prepare-only >/dev/null 2>&1
town=$work/data/demo
truth=$town/synthetic_town_truth.csv
# One building in sixteen is check gold, as in the demo.
awk -F, 'NR == 1 { print "tile_id,answer" } NR > 1 && (NR - 2) % 16 == 0 { print $1 "," $2 }' "$truth" >"$work/gold.csv"
echo '{"refit_after": 150}' >"$work/adaptive.json"

port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })')
"$binary" serve --listen "127.0.0.1:$port" >"$work/log" 2>&1 </dev/null &
server=$!
until node -e 'fetch(process.argv[1]).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))' "http://127.0.0.1:$port/readyz"; do
  kill -0 "$server"
  sleep 0.2
done

# run NAME SEED POLICY-FLAGS…: one campaign from draft to map, and a line about it.
run() {
  local name=$1 seed=$2 slug
  shift 2
  slug=$name-$seed
  "$binary" campaign create "$slug" --title "$slug" --licence CC0-1.0 "$@" >/dev/null
  local first last
  first=$(ls "$town"/synthetic_town_*.tif | head -1)
  last=$(ls "$town"/synthetic_town_*.tif | tail -1)
  for scene in "$first" "$last"; do
    "$binary" ingest --campaign "$slug" --scene "$scene" --captured "$(basename "$scene" .tif | cut -d_ -f3)" \
      --licence CC0-1.0 --attribution synthetic --footprints "$town/synthetic_town_footprints.geojson" >/dev/null 2>&1
  done
  "$binary" gold import --campaign "$slug" "$work/gold.csv" >/dev/null
  "$binary" campaign open "$slug" >/dev/null
  "$binary" simulate --url "http://127.0.0.1:$port" --campaign "$slug" --volunteers 30 --seed "$seed" \
    --truth "$truth" --patience 4 >"$work/$slug.txt"
  "$binary" campaign close "$slug" >/dev/null
  "$binary" export --campaign "$slug" --format csv --out "$work/$slug.csv" >/dev/null
  node scripts/score-map.mjs "$work/$slug.csv" "$truth" "$name" "$seed"
}

printf '%-12s %5s %7s %9s %9s %8s %10s\n' policy seed labels per-tile accuracy recall contested
for seed in "${@:-1}"; do
  run adaptive "$seed" --policy "$work/adaptive.json"
  for redundancy in 3 5 7 9; do
    run "fixed-$redundancy" "$seed" --redundancy "$redundancy"
  done
done
