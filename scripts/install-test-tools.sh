#!/usr/bin/env bash
# Sees to it that the tests find a browser and a PostgreSQL server: installs them where that is allowed (root on
# Debian), else says what to install.
set -euo pipefail

packages=()
[ -x "${AFTERMAP_CHROMIUM:-/usr/bin/chromium}" ] || packages+=(chromium)
{ compgen -G '/usr/lib/postgresql/*/bin/initdb' || command -v initdb; } >/dev/null || packages+=(postgresql)

# The storm of a jumping clock needs it; where it cannot be installed, that storm alone is skipped, and says so.
may_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }
! may_install || compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' >/dev/null || packages+=(libfaketime)

[ ${#packages[@]} -gt 0 ] || exit 0

if may_install; then
  echo "installing what the tests need: ${packages[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
else
  echo "the tests need ${packages[*]}: install them (Debian: apt-get install ${packages[*]})," >&2
  echo "or say where the browser is: AFTERMAP_CHROMIUM=/path/to/chromium" >&2
  exit 1
fi
