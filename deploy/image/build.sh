#!/usr/bin/env bash
# Builds the image as an OCI archive, without an engine: target/image/scimgate.oci.tar.
# Needs the Rust toolchain, a C compiler and buildah (`apt-get install buildah`); run it as root or
# in a user namespace (`buildah unshare`). The same commit gives the same image.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=$(rustc -vV | sed -n 's/^host: //p')
out=target/image
root=$out/root
tag=${TAG:-$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)}

# Static, so that the image needs nothing else; no directories of this machine in it.
export RUSTFLAGS="-C target-feature=+crt-static --remap-path-prefix=$PWD=/scimgate --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
export SOURCE_DATE_EPOCH=0
SCIMGATE_COMMIT=$(git rev-parse --short=12 HEAD 2>/dev/null || true)
export SCIMGATE_COMMIT
# The binary is stripped: what would go is not made.
export CARGO_PROFILE_RELEASE_DEBUG=false
# Without the demonstration: a production binary has no emulated vendor and no control port.
cargo build --release --locked --no-default-features --target "$target" --bin scimgate

rm -rf "$out"
mkdir -p "$root"/{usr/local/bin,etc/scimgate/tenants,var/lib/scimgate,tmp}
strip -o "$root/usr/local/bin/scimgate" "target/$target/release/scimgate"
cp -r tests/vendors "$root/etc/scimgate/transcripts"
cp deploy/image/scimgate.toml "$root/etc/scimgate/"
chmod -R u=rwX,go=rX "$root"
chown -R 65532:65532 "$root/var/lib/scimgate"
chmod 1777 "$root/tmp"
find "$root" -exec touch --no-dereference --date=@0 {} +

buildah="buildah --storage-driver vfs --root $PWD/$out/storage --runroot $PWD/$out/run"
container=$($buildah from scratch)
$buildah copy --quiet "$container" "$root" / >/dev/null
$buildah config \
    --user 65532:65532 \
    --env PATH=/usr/local/bin \
    --env SCIMGATE_CONFIG=/etc/scimgate/scimgate.toml \
    --port 8080 --port 9090 \
    --volume /var/lib/scimgate \
    --entrypoint '["/usr/local/bin/scimgate"]' \
    --cmd serve \
    --label org.opencontainers.image.title=scimgate \
    --label org.opencontainers.image.licenses=Apache-2.0 \
    --label "org.opencontainers.image.version=$tag" \
    "$container"
$buildah commit --quiet --timestamp 0 --disable-compression=false --format oci "$container" "oci:$out/oci:scimgate:$tag"
$buildah rm "$container" >/dev/null
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$out/scimgate.oci.tar" -C "$out/oci" .
rm -rf "$out/storage" "$out/run" "$out/oci"

echo "binary $(stat -c %s "$root/usr/local/bin/scimgate") bytes, image $(stat -c %s "$out/scimgate.oci.tar") bytes: $out/scimgate.oci.tar"
