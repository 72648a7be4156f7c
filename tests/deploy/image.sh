#!/usr/bin/env bash
# Builds the image twice, starts it as a cluster would (not root, nothing writable but its volume), and
# lets it answer `probe`. Needs root, for chroot and mounts; installs buildah by apt where it is missing.
# SCIMGATE names a binary that has the demonstration, which the image's has not; without it one is built.
# With CARGO_PROFILE_RELEASE_OPT_LEVEL=0 it takes less than half as long, and memory is not judged.
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! command -v buildah >/dev/null; then
    apt-get install --yes --quiet buildah >/dev/null
fi
deploy/image/build.sh
# Of all processes it waited for: "1m2.345s 0m6.789s".
times >target/image/times
built=$(tail -n 1 target/image/times)
archive=target/image/scimgate.oci.tar
digest=$(sha256sum <$archive)
deploy/image/build.sh >/dev/null
if [ "$digest" != "$(sha256sum <$archive)" ]; then
    echo "two builds of one commit are two images" >&2
    exit 1
fi

work=$(mktemp -d)
pids=()
clean_up() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT

# What the archive holds, and not what it was made from.
mkdir "$work/oci" "$work/root" "$work/state"
tar -xf $archive -C "$work/oci"
read -r entry user layers < <(python3 - "$work/oci" <<'PYTHON'
import json, sys
root = sys.argv[1]
def blob(digest):
    return json.load(open(f"{root}/blobs/{digest.replace(':', '/')}"))
manifest = blob(json.load(open(f"{root}/index.json"))["manifests"][0]["digest"])
config = blob(manifest["config"]["digest"])["config"]
layers = ",".join(layer["digest"].replace(":", "/") for layer in manifest["layers"])
open(f"{root}/environment", "w").write("\n".join(config["Env"]))
print(config["Entrypoint"][0], config["User"], layers)
PYTHON
)
for layer in ${layers//,/ }; do tar -xf "$work/oci/blobs/$layer" -C "$work/root"; done
[ "$user" = 65532:65532 ]
chown 65532:65532 "$work/state"

if [ -z "${SCIMGATE:-}" ]; then
    cargo build --locked
    SCIMGATE=target/debug/scimgate
fi
"$SCIMGATE" demo --vendor reference --vendor-only >"$work/tenant.toml" &
pids+=($!)
for _ in $(seq 100); do if grep -q Ctrl-C "$work/tenant.toml"; then break; fi; sleep 0.1; done
mkdir "$work/tenants" "$work/root/dev"
cp "$work/tenant.toml" "$work/tenants/acme.toml"
chmod -R a+rX "$work/tenants" "$work"

# The root read-only, the volume and the tenants mounted, nobody's rights.
cat >"$work/in_image.sh" <<IN
set -e
mount --bind "$work/root" "$work/root"
mount --bind "$work/state" "$work/root/var/lib/scimgate"
mount --bind "$work/tenants" "$work/root/etc/scimgate/tenants"
mount --bind /dev "$work/root/dev" # as every container engine does
mount -o remount,bind,ro "$work/root"
exec env -i $(tr "\n" " " <"$work/oci/environment") \
    SCIMGATE_SERVER__LISTEN=127.0.0.1:0 SCIMGATE_OPS__LISTEN=127.0.0.1:0 SCIMGATE_ADMIN__LISTEN=127.0.0.1:0 \
    $(command -v chroot) --userspec=$user "$work/root" $entry "\$@"
IN
in_image() { unshare --mount bash "$work/in_image.sh" "$@"; }

# No emulated vendor in it: no verb that starts one, and none of their control ports.
if in_image demo --help >/dev/null 2>&1 || grep -q __ctl "$work/root$entry"; then
    echo "the image holds the demonstration" >&2
    exit 1
fi

token=$(in_image token mint --tenant acme | sed -n 's/^Secret Token: *//p')
begun=$(date +%s%N)
# Itself, and not a shell that waits for it: it is measured and ended by this id.
unshare --mount bash "$work/in_image.sh" serve >"$work/out" 2>"$work/log" &
gateway=$!
pids+=("$gateway")
for _ in $(seq 1000); do
    if grep -q 'is listening' "$work/out"; then break; fi
    kill -0 "$gateway" || { cat "$work/log" >&2; exit 1; }
    sleep 0.005
done
ready=$((($(date +%s%N) - begun) / 1000000))
url=$(sed -n 's/.*listening on \(http[^ ]*\).*/\1/p' "$work/out")
idle=$(awk '/^VmRSS/ {print $2}' "/proc/$gateway/status")
SCIMGATE_PROBE_TOKEN=$token "$SCIMGATE" probe "$url"
used=$(awk '/^VmRSS/ {print $2}' "/proc/$gateway/status")
binary=$(stat -c %s "$work/root$entry")

echo "built with $built of CPU; ready after $ready ms, idle $idle KiB, after the probe $used KiB, binary $binary bytes, image $(stat -c %s $archive) bytes"
# Two thirds of it are pages of the program's file. The aim is 30 MiB.
[ "${CARGO_PROFILE_RELEASE_OPT_LEVEL:-3}" = 0 ] || [ "$idle" -lt 49152 ] || { echo "idle memory is beyond 48 MiB" >&2; exit 1; }
[ "$(stat -c %s $archive)" -lt 26214400 ] || { echo "the image is beyond 25 MiB" >&2; exit 1; }
