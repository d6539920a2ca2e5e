#!/usr/bin/env bash
# Starts a demo server with data of its own on a free loopback port, runs the browser tests against it, stops it.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --quiet
binary=${CARGO_TARGET_DIR:-target}/debug/aftermap

work=$(mktemp -d)
server=
stop() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

free_port() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })'; }
answers() { node -e 'fetch(process.argv[1]).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))' "$1/readyz"; }

url=http://127.0.0.1:$(free_port)
NO_COLOR=1 "$binary" demo --data "$work/data" --listen "${url#http://}" >"$work/log" 2>&1 </dev/null &
server=$!
for _ in $(seq 120); do
  if answers "$url" || ! kill -0 "$server" 2>/dev/null; then break; fi
  sleep 0.5
done
answers "$url" || {
  echo 'the demo server did not get ready:' >&2
  cat "$work/log" >&2
  exit 1
}

# A coordinator of our own, so that no password of the demo has to be known here.
password=$(node -p 'require("crypto").randomUUID()')
"$binary" user create --data "$work/data" --name browser-test --role coordinator --campaign demo --password-stdin \
  <<<"$password" >/dev/null

AFTERMAP_URL=$url AFTERMAP_COORDINATOR=browser-test AFTERMAP_PASSWORD=$password \
  AFTERMAP_SCREENSHOTS=${AFTERMAP_SCREENSHOTS:-$work/screenshots} node tests/browser/run.mjs || {
  echo 'what the server warned of:' >&2
  grep -E 'WARN|ERROR' "$work/log" | tail -n 20 >&2
  exit 1
}
