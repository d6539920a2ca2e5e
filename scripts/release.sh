#!/usr/bin/env bash
# Builds the program that is handed out, so that one commit gives the same bytes on whatever machine has the same tools.
#
#   scripts/release.sh          builds the commit that is checked out into target/release-build/aftermap
#   scripts/release.sh twice    builds it twice from nothing and compares; it takes as long as it sounds
#
# OpenSSL and libpq write the folder and the flags of their build into the program. So everything (sources, those of all
# libraries, the output) lies in one folder below that for temporary files (TMPDIR; name the same one on each machine), the
# environment is made up here, and the clock is that of the commit.
set -euo pipefail
cd "$(dirname "$0")/.."

place=$(dirname "$(mktemp -u)")/aftermap-release
kept=$PWD/target/release-build
commit=$(git rev-parse HEAD)

lay_out() { # the committed files and the libraries' sources
  rm -rf "$place"
  # Fails where somebody else made one meanwhile, rather than build in their folder.
  mkdir --mode=700 "$place"
  mkdir "$place/.cargo"
  git archive "$commit" | tar -x -C "$place"
  # Cargo prints the settings that make it read the folder; ours follow them.
  (cd "$place" && cargo vendor --locked --quiet vendor >vendored.toml)
  cat "$place/vendored.toml" >>"$place/.cargo/config.toml"
  rm "$place/vendored.toml"
}

build() { # prints the file that it made
  local clean=(env -i "PATH=$PATH" "HOME=$HOME" LANG=C.UTF-8 TZ=UTC "SOURCE_DATE_EPOCH=$(git log -1 --format=%ct "$commit")")
  (
    cd "$place"
    umask 022
    "${clean[@]}" scripts/build-web.sh
    "${clean[@]}" CARGO_INCREMENTAL=0 REQUIRE_WEB=1 cargo build --release --locked --offline --bin aftermap
  ) >&2
  echo "$place/target/release/aftermap"
}

keep() { # file, name
  mkdir -p "$kept"
  cp "$1" "$kept/$2"
  (cd "$kept" && sha256sum "$2")
}

tools() {
  rustc --version
  cc --version | head -n 1
  ld --version | head -n 1
  perl -e 'print "perl $^V\n"'
  echo "node $(node --version), npm $(npm --version)"
}

once() { # name
  lay_out
  keep "$(build)" "$1"
  rm -rf "$place"
}

git diff --quiet HEAD || echo "what is not committed is left out" >&2
case "${1:-}" in
  "")
    once aftermap
    echo "commit $commit, built with:"
    tools
    ;;
  twice)
    once first
    once second
    cmp "$kept/first" "$kept/second"
    echo "both are the same, byte for byte; commit $commit, built with:"
    tools
    ;;
  *) echo "usage: scripts/release.sh [twice]" >&2; exit 2 ;;
esac
