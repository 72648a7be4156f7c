#!/usr/bin/env bash
# Other people's SCIM clients against the gateway, strict to the letter of the RFCs, with each vendor's
# emulator: scim2-tester, of which only that may fail which a vendor cannot hold, as its page lists
# (scim2_vendors.py); and scim2-client and scim2-cli (scim2_clients.py). Needs python3 and its package
# index. SCIMGATE names the binary; without it one is built.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check -r tests/interop/requirements.txt

[ -n "${SCIMGATE:-}" ] || cargo build --locked
"$work/venv/bin/python" tests/interop/scim2_vendors.py
"$work/venv/bin/python" tests/interop/scim2_clients.py
