#!/usr/bin/env bash
# Builds the program that is handed out, into target/release: one commit gives the same bytes in whatever folder it is built.
# `release.sh twice` builds it in two folders from the committed files and compares the bytes; it takes as long as it sounds.
set -euo pipefail
cd "$(dirname "$0")/.."

build() { # in this folder
  scripts/build-web.sh
  local cargo_home=${CARGO_HOME:-$HOME/.cargo} rust
  rust=$(rustc --print sysroot)
  # Names of folders stand in messages of panics and of C's assertions; those of whoever builds would differ.
  export RUSTFLAGS="--remap-path-prefix=$PWD=/aftermap --remap-path-prefix=$cargo_home=/cargo --remap-path-prefix=$rust=/rust"
  export CFLAGS="-ffile-prefix-map=$PWD=/aftermap -ffile-prefix-map=$cargo_home=/cargo"
  export CXXFLAGS=$CFLAGS CARGO_INCREMENTAL=0 REQUIRE_WEB=1
  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
  export SOURCE_DATE_EPOCH
  cargo build --release --locked --bin aftermap
  sha256sum target/release/aftermap
}

twice() {
  local place one
  place=$(mktemp -d)
  trap 'rm -rf "$place"' EXIT
  for one in here/first there/in-a-deeper-folder/second; do
    git clone --quiet . "$place/$one"
    (cd "$place/$one" && scripts/release.sh)
  done
  cmp "$place/here/first/target/release/aftermap" "$place/there/in-a-deeper-folder/second/target/release/aftermap"
  echo "both are the same, byte for byte"
}

case "${1:-}" in
  "") build ;;
  twice) twice ;;
  *) echo "usage: scripts/release.sh [twice]" >&2; exit 2 ;;
esac
