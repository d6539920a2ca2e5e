#!/usr/bin/env bash
# Builds the binary and starts the demo with it.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ ! -e "${CARGO_TARGET_DIR:-target}/debug/aftermap" ]; then
  echo 'building aftermap; the first time this takes some minutes'
  cargo build
fi
exec cargo run --quiet -- demo --tiles tiles
