#!/usr/bin/env bash
# Installs, from the lock file, Node 22 and the npm servers and clients that the tests talk to. Does nothing when they are there.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source="$root/tests/node"
target="$root/artifacts/node"
if [ -f "$target/.complete" ] && cmp -s "$source/package-lock.json" "$target/package-lock.json"; then exit 0; fi
command -v npm >/dev/null || { echo "test: npm (Node 20 or newer) is needed on PATH" >&2; exit 69; }
echo "== installing npm test servers and clients (once)"
mkdir -p "$target"
rm -f "$target/.complete"
cp "$source/package.json" "$source/package-lock.json" "$target/"
(cd "$target" && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error)
touch "$target/.complete"
