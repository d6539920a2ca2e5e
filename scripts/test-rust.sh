#!/usr/bin/env bash
# All Rust tests; says afterwards, where nobody can overlook it, what this machine could not test.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo test --no-fail-fast

data=${AFTERMAP_TEST_DATA:-../shared/data}
[ -d "$data/imagery" ] || echo "NOT TESTED: real imagery; there is none at $data (set AFTERMAP_TEST_DATA)"
[ -x "${AFTERMAP_TEST_PYTHON:-target/test-tools/python/bin/python}" ] || echo 'NOT TESTED: reading exports back with GDAL (run scripts/install-test-tools.sh)'
[ -n "${AFTERMAP_TEST_POSTGRES:-}" ] || echo 'NOT TESTED: PostgreSQL (run scripts/with-postgres.sh scripts/test-rust.sh)'
command -v openssl >/dev/null || echo 'NOT TESTED: TLS by the server itself (install openssl)'
