#!/bin/sh
# Looks for the first seed that finds each seeded bug. One build of a copy of the source, kept in
# `target/mutated`, holds all of them; SCIMGATE_MUTATION switches one on.
#
#   tests/simulation/mutations/run.sh [name…]
#
# SCIMGATE_SEEDS: how many seeds are played for each (2000). SCIMGATE_PROFILE: cargo's profile
# (`test`; `release` takes longer to build and plays ten times as fast). CARGO: what builds. Exit
# code 1 if one is not found.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
export SCIMGATE_SEEDS="${SCIMGATE_SEEDS:-2000}"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target}"
copy=$CARGO_TARGET_DIR/mutated

rm -rf "$copy"
mkdir -p "$copy"
(cd "$root" && tar cf - Cargo.toml Cargo.lock build.rs src tests adapters scripts deploy) | tar xf - -C "$copy"
for patch in "$here"/*.patch; do
    # Not a part of the project's own tree, whose paths git would take them for.
    (cd "$copy" && GIT_CEILING_DIRECTORIES=$CARGO_TARGET_DIR git apply --unidiff-zero "$patch") || {
        echo "$(basename "$patch") does not apply any more: make it anew" >&2
        exit 2
    }
done

"${CARGO:-cargo}" test --manifest-path "$copy/Cargo.toml" --no-default-features --test simulation \
    --profile "${SCIMGATE_PROFILE:-test}" --no-run --message-format=json 2>"$copy/log" >"$copy/built" || {
    cat "$copy/log" "$copy/built" >&2
    exit 2
}
test=$(grep -o '"executable":"[^"]*/simulation-[^"]*"' "$copy/built" | tail -n 1 | cut -d '"' -f 4)

names="$*"
[ -n "$names" ] || names=$(cd "$here" && ls ./*.patch | sed 's|^\./||; s|\.patch$||' | grep -v '^00-')
missed=0
for name in $names; do
    if found=$(SCIMGATE_MUTATION="$name" "$test" --ignored --exact runs::first_that_fails --nocapture 2>/dev/null | grep -m 1 "^seed "); then
        echo "$name: $found"
    else
        echo "$name: NOT FOUND in $SCIMGATE_SEEDS seeds"
        missed=1
    fi
done
exit $missed
