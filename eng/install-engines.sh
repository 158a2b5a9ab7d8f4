#!/usr/bin/env bash
# Unpacks podman, Prometheus and busybox of Debian into artifacts/engines, for the tests of the built-in servers. Installs nothing into the system, needs no
# root, does nothing when they are there. Where that cannot be done it writes why into artifacts/engines/missing, and those tests say so.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target="$root/artifacts/engines"
packages="podman runc conmon libgpgme11 libsubid4 containernetworking-plugins busybox-static prometheus"
stamp="$target/.complete"
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$packages" ]; then exit 0; fi

rm -rf "$target"
mkdir -p "$target/packages"
missing() { echo "$1" >"$target/missing"; rm -rf "$target/packages"; echo "== engines: $1 (tests that need them are skipped)"; exit 0; }
[ "$(uname -s)" = Linux ] || missing "podman and Prometheus are unpacked on Linux alone"
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || missing "podman and Prometheus come from Debian's packages, and there is no apt-get here"

echo "== unpacking podman and Prometheus (once)"
cd "$target/packages" || exit 1
for package in $packages; do
    apt-get download -q -q "$package" >"$target/log" 2>&1 || missing "apt-get could not download $package: $(grep -v '^W:' "$target/log" | tail -n 1)"
done
for file in *.deb; do
    dpkg-deb -x "$file" "$target/unpacked" || missing "$file could not be unpacked"
done
cd "$root" || exit 1
rm -rf "$target/packages" "$target/log"
[ -x "$target/unpacked/usr/bin/podman" ] && [ -x "$target/unpacked/usr/bin/prometheus" ] || missing "the packages of this system hold no podman or no prometheus"
if ldd "$target/unpacked/usr/bin/prometheus" | grep -q 'not found'; then missing "prometheus needs libraries that are not on this machine"; fi
if LD_LIBRARY_PATH="$target/unpacked/usr/lib/$(uname -m)-linux-gnu" ldd "$target/unpacked/usr/bin/podman" | grep -q 'not found'; then
    missing "podman needs libraries that are not on this machine"
fi
echo "$packages" >"$stamp"
