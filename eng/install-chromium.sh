#!/usr/bin/env bash
# Finds the Chromium in which the dashboard is tested, and installs Debian's where there is none (that needs root or sudo: it has too many libraries to be
# unpacked). Writes its path to artifacts/chromium/path, or why there is none to artifacts/chromium/missing, and the tests then say so.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target="$root/artifacts/chromium"
mkdir -p "$target"
rm -f "$target/missing"

find_chromium() {
    local candidate
    for candidate in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
        if [ -n "$candidate" ] && command -v "$candidate" >/dev/null; then
            command -v "$candidate" >"$target/path"
            return 0
        fi
    done
    return 1
}
missing() { rm -f "$target/path"; echo "$1" >"$target/missing"; echo "== chromium: $1 (the tests of the dashboard are skipped)"; exit 0; }

find_chromium && exit 0
command -v apt-get >/dev/null || missing "chromium is not on PATH, and there is no apt-get here to install it"
sudo=""
if [ "$(id -u)" -ne 0 ]; then
    sudo="sudo -n"
    $sudo true 2>/dev/null || missing "chromium is not on PATH, and installing it needs root"
fi
echo "== installing chromium (once)"
install() { DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends chromium >"$target/log" 2>&1; }
install || { $sudo apt-get update -q >/dev/null 2>&1; install; } || missing "apt-get could not install chromium: $(grep -v '^W:' "$target/log" | tail -n 1)"
find_chromium || missing "apt-get installed chromium, and it is not on PATH"
