#!/usr/bin/env bash
# Installs by apt what the tests of this directory need and is missing.
set -euo pipefail

missing=()
command -v prometheus >/dev/null || missing+=(prometheus)
command -v systemd-analyze >/dev/null || missing+=(systemd)
command -v openssl >/dev/null || missing+=(openssl)
command -v nginx >/dev/null || missing+=(nginx-light)
command -v caddy >/dev/null || missing+=(caddy)
command -v rpm >/dev/null || missing+=(rpm)
command -v man >/dev/null || missing+=(man-db)
if [ ${#missing[@]} -gt 0 ]; then
    apt-get install --yes --quiet --no-install-recommends "${missing[@]}" >/dev/null
fi
