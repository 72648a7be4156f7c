#!/usr/bin/env bash
# Licences, banned crates and sources of everything in Cargo.lock. Installs cargo-deny below target/.
set -euo pipefail
cd "$(dirname "$0")/../.."

tools=target/tools
if ! [ -x "$tools/bin/cargo-deny" ]; then
    cargo install --quiet --debug --locked --no-default-features --root "$tools" cargo-deny@0.20.2
fi
PATH="$PWD/$tools/bin:$PATH" cargo deny --locked check licenses bans sources
