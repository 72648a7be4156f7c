#!/usr/bin/env bash
# scim2-tester (PyPI) against the gateway with the reference adapter, strict to the letter of the
# RFCs: fails unless every check succeeds; one that is skipped has not. Then scim2-client and
# scim2-cli with every vendor: scim2_clients.py. Needs python3 and its package index. SCIMGATE names
# the binary; without it one is built.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
gateway=
clean_up() {
    if [ -n "$gateway" ]; then kill "$gateway" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap clean_up EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check -r tests/interop/requirements.txt

[ -n "${SCIMGATE:-}" ] || cargo build --locked
"${SCIMGATE:-target/debug/scimgate}" demo --vendor reference --serve-only --profile strict >"$work/variables" &
gateway=$!
for _ in $(seq 100); do
    if grep -q '^TOKEN=' "$work/variables"; then break; fi
    kill -0 "$gateway"
    sleep 0.1
done
# shellcheck source=/dev/null
. "$work/variables"

# By its environment: other users of the machine can read a command line.
SCIM_CLI_HEADERS="Authorization: Bearer $TOKEN" "$work/venv/bin/scim2" --url "$TENANT_URL" test

"$work/venv/bin/python" tests/interop/scim2_clients.py
