#!/usr/bin/env bash
# Writes openapi.json as the binary describes itself, and the web client's types from it.
set -euo pipefail
cd "$(dirname "$0")/.."

described=$(cargo run --quiet -- openapi)
printf '%s\n' "$described" >openapi.json
cd web
npm run gen
