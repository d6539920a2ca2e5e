#!/usr/bin/env bash
# Sees to it that the tests find a browser and a PostgreSQL server: installs them where that is allowed (root on
# Debian), else says what to install. Python packages that read our files go into target/test-tools, and nowhere else.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=()
[ -x "${AFTERMAP_CHROMIUM:-/usr/bin/chromium}" ] || packages+=(chromium)
{ compgen -G '/usr/lib/postgresql/*/bin/initdb' || command -v initdb; } >/dev/null || packages+=(postgresql)

# The tests of TLS make a certificate with it.
command -v openssl >/dev/null || packages+=(openssl)

# The storm of a jumping clock needs it; where it cannot be installed, that storm alone is skipped, and says so.
may_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }
! may_install || compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' >/dev/null || packages+=(libfaketime)

# Python with what reads geodata: AFTERMAP_TEST_PYTHON names one that has it already.
python_packages() {
  local folder=target/test-tools/python stamp=target/test-tools/requirements.txt
  [ -z "${AFTERMAP_TEST_PYTHON:-}" ] || return 0
  cmp -s scripts/test-requirements.txt "$stamp" && [ -x "$folder/bin/python" ] && return 0
  echo "installing the Python packages of scripts/test-requirements.txt into $folder"
  rm -rf "$folder" "$stamp"
  mkdir -p target/test-tools
  python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet --no-input --disable-pip-version-check -r scripts/test-requirements.txt
  cp scripts/test-requirements.txt "$stamp"
}

python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
[ ${#packages[@]} -gt 0 ] || { python_packages; exit 0; }

if may_install; then
  echo "installing what the tests need: ${packages[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
  python_packages
else
  echo "the tests need ${packages[*]}: install them (Debian: apt-get install ${packages[*]})," >&2
  echo "or say where the browser is: AFTERMAP_CHROMIUM=/path/to/chromium" >&2
  exit 1
fi
