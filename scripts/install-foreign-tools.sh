#!/usr/bin/env bash
# Sees to it that the tests find the programs of other projects that read our files: Zooniverse's aggregation, and the
# pandas that it wants. They stand in an environment of their own, because they want older libraries than others do.
# AFTERMAP_TEST_FOREIGN_PYTHON names a Python that has them already.
set -euo pipefail
cd "$(dirname "$0")/.."

wanted=scripts/test-requirements-foreign.txt
folder=target/test-tools/foreign
stamp=$folder/requirements.txt

[ -z "${AFTERMAP_TEST_FOREIGN_PYTHON:-}" ] || exit 0
cmp -s "$wanted" "$stamp" && exit 0

if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
  else
    echo "NOT TESTED: other projects' programs over our files; they need python3-venv" >&2
    exit 0
  fi
fi
echo "installing the Python packages of $wanted into $folder"
rm -rf "$folder"
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --no-input --disable-pip-version-check -r "$wanted"
cp "$wanted" "$stamp"
