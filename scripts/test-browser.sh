#!/usr/bin/env bash
# Runs the browser tests; they start a demo server of their own, with data of its own on a free loopback port, and stop it.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --quiet
screenshots=$(mktemp -d)
trap 'rm -rf "$screenshots"' EXIT

AFTERMAP_BINARY=${CARGO_TARGET_DIR:-$PWD/target}/debug/aftermap \
  AFTERMAP_SCREENSHOTS=${AFTERMAP_SCREENSHOTS:-$screenshots} node tests/browser/run.mjs
