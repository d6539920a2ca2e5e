#!/usr/bin/env bash
# Builds the front end into web/dist: dependencies when the lock changed, the build when a source changed.
set -euo pipefail
cd "$(dirname "$0")/../web"

stamp=node_modules/.installed
if [ ! -e "$stamp" ] || [ package-lock.json -nt "$stamp" ]; then
  echo 'installing the dependencies of the front end'
  npm ci --no-audit --no-fund --loglevel=error
  touch "$stamp"
fi

# Anything beside what the build itself makes is a source.
changed() {
  [ ! -e dist/index.html ] ||
    [ -n "$(find . \( -name node_modules -o -name dist \) -prune -o -type f -newer dist/index.html -print -quit)" ]
}

if changed; then
  echo 'building the front end'
  npm run build -- --logLevel warn
fi
