#!/usr/bin/env bash
# Runs the browser tests; they start a demo server of their own, with data of its own on a free loopback port, and stop it.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --quiet
screenshots=$(mktemp -d)
trap 'rm -rf "$screenshots"' EXIT

export AFTERMAP_BINARY=${CARGO_TARGET_DIR:-$PWD/target}/debug/aftermap
export AFTERMAP_SCREENSHOTS=${AFTERMAP_SCREENSHOTS:-$screenshots}

failed=0
node tests/browser/run.mjs || failed=1
# Each has a server of its own: what a coordinator does changes a campaign for all who come later.
if [ -z "${AFTERMAP_TOPICS:-}" ]; then
  for topic in review dashboard setup pictures volunteers steer grow ring; do
    echo "== $topic"
    AFTERMAP_TOPICS=$topic node tests/browser/run.mjs || failed=1
  done
fi
exit $failed
