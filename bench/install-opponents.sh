#!/usr/bin/env bash
# Puts what `bench/run.sh load` measures beside Fairlead into artifacts/opponents: npm gateways from the lock file, nginx unpacked from Debian's package.
# Installs nothing into the system, needs no root, does nothing when they are there. What cannot be had is said here, and the load run says "not measured".
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source="$root/bench/opponents"
target="$root/artifacts/opponents"
missing=0
mkdir -p "$target"

if [ -f "$target/.npm-complete" ] && cmp -s "$source/package-lock.json" "$target/package-lock.json"; then
    :
elif command -v npm >/dev/null; then
    echo "== installing mcp-proxy, supergateway and mcp-hub (once)"
    rm -f "$target/.npm-complete"
    cp "$source/package.json" "$source/package-lock.json" "$target/"
    if (cd "$target" && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error); then touch "$target/.npm-complete"; else missing=1; fi
else
    echo "opponents: npm (Node 20 or newer) is not on PATH: mcp-proxy, supergateway and mcp-hub are missing" >&2
    missing=1
fi

if [ -x "$target/nginx/usr/sbin/nginx" ] || command -v nginx >/dev/null; then
    :
elif command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    echo "== unpacking nginx (once)"
    rm -rf "$target/packages"
    mkdir -p "$target/packages"
    if (cd "$target/packages" && apt-get download -q -q nginx >"$target/nginx.log" 2>&1) && dpkg-deb -x "$target"/packages/nginx_*.deb "$target/nginx"; then
        rm -rf "$target/packages" "$target/nginx.log"
        if ldd "$target/nginx/usr/sbin/nginx" | grep -q 'not found'; then
            echo "opponents: nginx needs libraries that are not on this machine: $(ldd "$target/nginx/usr/sbin/nginx" | grep 'not found' | tr -s '\t\n' ' ')" >&2
            rm -rf "$target/nginx"
            missing=1
        fi
    else
        echo "opponents: nginx could not be downloaded (apt-get update may help): $(tail -n 1 "$target/nginx.log")" >&2
        missing=1
    fi
else
    echo "opponents: nginx is not on PATH, and there is no apt-get to fetch it with" >&2
    missing=1
fi
exit "$missing"
