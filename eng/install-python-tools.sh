#!/usr/bin/env bash
# Puts pytest and mypy into artifacts/python/tools, for the tests of the Python package: unpacked from Debian's packages where there are some (installs nothing
# into the system, needs no root), else with pip. Does nothing when they are there. Prints a Python 3.11 or newer that can use them.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target="$root/artifacts/python/tools"
# The tools of Debian 12, which are of its Python 3.11; elsewhere the same versions.
packages="python3-pytest python3-attr python3-iniconfig python3-packaging python3-pluggy python3-py python3-mypy mypy python3-mypy-extensions python3-typing-extensions"
requirements="pytest==7.2.1 mypy==1.0.1"
stamp="$target/.complete"

# Which Python: PYTHON, else python3 on PATH, else the system's; one that the tools run on.
find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 /usr/bin/python3 python3.11 python3.12 python3.13; do
        if [ -n "$candidate" ] && command -v "$candidate" >/dev/null &&
            PYTHONPATH="$target/site" "$candidate" -c "$1" >/dev/null 2>&1; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}
usable='import sys; assert sys.version_info >= (3, 11)'
working="$usable; import pytest, mypy.api"

if [ "$(cat "$stamp" 2>/dev/null)" = "$packages $requirements" ] && find_python "$working"; then exit 0; fi

rm -rf "$target"
mkdir -p "$target/packages" "$target/site"
if ! find_python "$usable" >/dev/null && command -v apt-get >/dev/null; then
    sudo=""
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    $sudo apt-get install -y -q python3 >&2
fi
echo "== getting pytest and mypy (once)" >&2
if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    cd "$target/packages" || exit 1
    for package in $packages; do
        # Some are not needed by every version; what is missing shows when the tools are tried.
        apt-get download -q -q "$package" >"$target/log" 2>&1 || grep -v '^W:' "$target/log" >&2
    done
    for file in *.deb; do
        [ ! -f "$file" ] || dpkg-deb -x "$file" "$target/unpacked"
    done
    cd "$root" || exit 1
    [ ! -d "$target/unpacked/usr/lib/python3/dist-packages" ] || cp -R "$target/unpacked/usr/lib/python3/dist-packages/." "$target/site"
    rm -rf "$target/packages" "$target/unpacked"
fi
if ! find_python "$working" >/dev/null; then
    python=$(find_python "$usable") || { echo "python: a Python 3.11 or newer is needed for the tests of the Python package" >&2; exit 69; }
    rm -rf "$target/site"
    "$python" -m pip install --quiet --target "$target/site" $requirements >&2
fi
find_python "$working" || { echo "python: pytest and mypy could not be installed" >&2; exit 69; }
echo "$packages $requirements" >"$stamp"
