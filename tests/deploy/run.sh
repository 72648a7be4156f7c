#!/usr/bin/env bash
# What operators are given, in the hands of their tools: charts by helm, rules by promtool and by a
# real Prometheus before real gateways, the unit by systemd, packages by dpkg and rpm, samples by the
# proxies they are for. Needs python3 and its package index; what else is missing it installs by apt.
# SCIMGATE names the binary; without it one is built.
set -euo pipefail
cd "$(dirname "$0")/../.."

tests/deploy/install.sh
if [ -z "${SCIMGATE:-}" ]; then
    cargo build --locked
    export SCIMGATE=target/debug/scimgate
fi

venv=target/venv/deploy
[ -x $venv/bin/pip ] || python3 -m venv $venv
$venv/bin/pip install --quiet --disable-pip-version-check -r tests/deploy/requirements.txt -r deploy/release/requirements.txt
PATH="$PWD/$venv/bin:$PATH" pytest -q -p no:cacheprovider "${@:-tests/deploy}"
