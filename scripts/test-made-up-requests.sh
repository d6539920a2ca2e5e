#!/usr/bin/env bash
# Requests that schemathesis makes up after openapi.json, against the real binary, in five parts (tests/fuzz_api/run.py).
# About a minute as part of `make test`; longer by hand, with more examples of each operation and another seed:
#
#   scripts/test-made-up-requests.sh 100 2025
set -euo pipefail
cd "$(dirname "$0")/.."

python=${AFTERMAP_TEST_PYTHON:-target/test-tools/python/bin/python}
if ! "$python" -c 'import schemathesis' 2>/dev/null; then
  echo "NOT TESTED: made-up requests; $python has no schemathesis (make test-tools installs it)"
  exit 0
fi
cargo build --quiet
exec "$python" tests/fuzz_api/run.py "${CARGO_TARGET_DIR:-$PWD/target}/debug/aftermap" "$PWD/openapi.json" "$@"
