#!/usr/bin/env bash
# Instructions a case of `protocol.rs`, counted by callgrind: what 1,200 runs cost more than 200.
set -euo pipefail
cd "$(dirname "$0")/../.."

bench=$(cargo bench --bench protocol --no-run 2>&1 | sed -n 's/.*(\(.*protocol-[0-9a-f]*\)).*/\1/p')
counted() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$bench" "$1" "$2" 2>&1 |
        sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

echo '| what | instructions |'
echo '|---|---:|'
number=0
"$bench" list | while read -r name; do
    few=$(counted "$number" 200)
    many=$(counted "$number" 1200)
    echo "| $name | $(((many - few) / 1000)) |"
    number=$((number + 1))
done
