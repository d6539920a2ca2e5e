#!/usr/bin/env bash
# Checks that the build's tools are there and new enough, and says plainly what to do where they are not.
set -euo pipefail

missing=0

lacks() {
  echo "missing: $1" >&2
  echo "         $2" >&2
  missing=1
}

need() { command -v "$1" >/dev/null || lacks "$1" "$2"; }

basics='Debian: apt-get install build-essential perl git'
need cc "a C compiler, for SQLite, libpq, OpenSSL and WebP. $basics"
need make "$basics"
need perl "for the build of OpenSSL. $basics"
need cargo 'Rust through rustup, https://rustup.rs (it picks the version in rust-toolchain.toml by itself)'
need npm 'comes with Node.js'

if command -v node >/dev/null; then
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    lacks "Node.js 20.19 or newer (this is $(node --version))" 'https://nodejs.org, or NodeSource on Debian 12'
else
  lacks 'Node.js 20.19 or newer' 'https://nodejs.org, or NodeSource on Debian 12'
fi

if command -v cargo >/dev/null; then
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
  found=$(cargo --version | cut -d ' ' -f 2)
  [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1)" = "$wanted" ] ||
    lacks "Rust $wanted or newer (this is $found)" 'rustup update, or use rustup instead of a packaged cargo'
fi

exit "$missing"
