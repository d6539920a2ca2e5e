#!/usr/bin/env bash
# What the program is made of, and whether that may be: `sbom` writes two CycloneDX documents into target/sbom, `deny`
# checks against deny.toml. The tools are built once, into target/tools.
set -euo pipefail
cd "$(dirname "$0")/.."

tool() { # name, version
  [ -x "target/tools/bin/$1" ] && "target/tools/bin/$1" "${1#cargo-}" --version 2>/dev/null | grep -qF "$2" && return 0
  echo "building $1 $2 into target/tools (some minutes, once)"
  cargo install --quiet --locked --root target/tools --target-dir target/tools/build "$1@$2"
  rm -rf target/tools/build
}

sbom() {
  tool cargo-cyclonedx 0.5.9
  mkdir -p target/sbom
  # It writes beside Cargo.toml.
  PATH="$PWD/target/tools/bin:$PATH" cargo cyclonedx --format json --spec-version 1.5 --override-filename aftermap-sbom --quiet
  # Our own package is named by the folder it was built in, which is nobody's business.
  sed "s|path+file://$PWD|path+file:///aftermap|g" aftermap-sbom.json >target/sbom/aftermap.cdx.json
  rm aftermap-sbom.json
  # The page: what is shipped is made of these packages; npm knows them from the lock file alone.
  (cd web && npm sbom --sbom-format cyclonedx --package-lock-only --omit dev) >target/sbom/web.cdx.json
  echo "target/sbom/aftermap.cdx.json  $(grep -c '"bom-ref"' target/sbom/aftermap.cdx.json) entries"
  echo "target/sbom/web.cdx.json       $(grep -c '"bom-ref"' target/sbom/web.cdx.json) entries"
}

deny() {
  tool cargo-deny 0.20.2
  local deny=target/tools/bin/cargo-deny
  "$deny" check --hide-inclusion-graph licenses bans sources
  "$deny" check --hide-inclusion-graph advisories || {
    echo "NOT CHECKED, or found: known faults (advisories); where the database could not be fetched, run this with a network" >&2
    [ "${1:-}" = --allow-no-advisories ]
  }
}

case "${1:-}" in
  sbom) sbom ;;
  deny) shift; deny "$@" ;;
  *) echo "usage: scripts/supply-chain.sh sbom|deny [--allow-no-advisories]" >&2; exit 2 ;;
esac
