#!/usr/bin/env bash
# Builds the binary and starts the demo with it.
set -euo pipefail
cd "$(dirname "$0")/.."

[ -e target/debug/aftermap ] || echo 'building aftermap; the first time this takes some minutes'
exec cargo run --quiet -- demo --tiles tiles
