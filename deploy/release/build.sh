#!/usr/bin/env bash
# Makes everything of a release: `deploy/release/build.sh`, and what it made is in target/dist.
#
#   scimgate-VERSION-linux-ARCH.tar.gz   the static binary, manual pages, completions, unit, transcripts
#   scimgate_VERSION_ARCH.deb, .rpm      the same as packages
#   scimgate-VERSION.oci.tar             the image
#   scimgate-VERSION.cdx.json            what is in the binary (CycloneDX)
#   scimgate-VERSION.tgz, -sidecar-….tgz the charts
#   SHA256SUMS                           of all of them
#
# It asks no service but package indexes, for what it is made of and with: crates, nfpm and helm.
# Needs what deploy/image/build.sh needs, and python3. The same commit gives the same files.
# BINARY names a binary that is there already: then no image is made. OUT names another directory.
set -euo pipefail
cd "$(dirname "$0")/../.."

out=${OUT:-target/dist}
stage=$out/stage
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
host=$(rustc -vV | sed -n 's/^host: //p')
case $host in
x86_64-*) arch=amd64 ;;
aarch64-*) arch=arm64 ;;
*) echo "there is no package for $host" >&2 && exit 1 ;;
esac
export SOURCE_DATE_EPOCH=0
rm -rf "$out"
mkdir -p "$stage"

if [ -z "${BINARY:-}" ]; then
    deploy/image/build.sh >/dev/null
    BINARY=target/image/root/usr/local/bin/scimgate
    cp target/image/scimgate.oci.tar "$out/scimgate-$version.oci.tar"
fi

# What the packages put where.
install -D -m 755 "$BINARY" "$stage/usr/bin/scimgate"
strip "$stage/usr/bin/scimgate"
scimgate=$stage/usr/bin/scimgate
doc=$stage/usr/share/doc/scimgate
install -d "$stage/usr/share/man/man1" "$doc" "$stage/usr/share/scimgate"
"$scimgate" man "$stage/usr/share/man/man1"
gzip --best --no-name "$stage"/usr/share/man/man1/*.1
# zsh looks in another place in each family of distributions.
for place in bash:bash-completion/completions/scimgate fish:fish/vendor_completions.d/scimgate.fish \
    zsh:zsh/site-functions/_scimgate zsh:zsh/vendor-completions/_scimgate; do
    "$scimgate" completions "${place%%:*}" | install -D -m 644 /dev/stdin "$stage/usr/share/${place#*:}"
done
install -D -m 644 deploy/systemd/scimgate.toml "$stage/etc/scimgate/scimgate.toml"
sed 's,/usr/local/bin/,/usr/bin/,; /^#  /d; /^# By hand/d' deploy/systemd/scimgate.service |
    install -D -m 644 /dev/stdin "$stage/usr/lib/systemd/system/scimgate.service"
install -D -m 644 deploy/systemd/sysusers.conf "$stage/usr/lib/sysusers.d/scimgate.conf"
cp -r tests/vendors "$stage/usr/share/scimgate/transcripts"
cp README.md CHANGELOG.md SECURITY.md "$doc/"
cp LICENSE "$doc/copyright"
mkdir "$doc/adapters" && cp adapters/*.md "$doc/adapters/"
cp -r deploy/*.md deploy/runbooks deploy/examples "$doc/"
find "$stage" -exec touch --no-dereference --date=@0 {} +
chmod -R u=rwX,go=rX "$stage"

tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --transform "s,^\.,scimgate-$version," \
    -C "$stage" -cf - . | gzip --best --no-name >"$out/scimgate-$version-linux-$arch.tar.gz"

tools=target/tools
venv=target/venv/release
[ -x $venv/bin/pip ] || python3 -m venv $venv
$venv/bin/pip install --quiet --disable-pip-version-check -r deploy/release/requirements.txt
for packager in deb rpm; do
    VERSION=$version ARCH=$arch STAGE=$stage $venv/bin/nfpm package --config deploy/release/nfpm.yaml \
        --packager $packager --target "$out/" >/dev/null
done

# The charts, each with what it depends on.
cp -r deploy/helm "$stage/helm"
for chart in scimgate-sidecar scimgate; do
    $venv/bin/helm dependency build "$stage/helm/$chart" >/dev/null
    $venv/bin/helm package "$stage/helm/$chart" --destination "$out" >/dev/null
done

# What the binary is made of: as it is built for the image, for this kind of machine.
if ! [ -x $tools/bin/cargo-cyclonedx ]; then
    CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --debug --locked --root $tools cargo-cyclonedx@0.5.9
fi
PATH="$PWD/$tools/bin:$PATH" cargo cyclonedx --quiet --format json --spec-version 1.5 --target "$host" \
    --no-default-features --override-filename "scimgate-$version.cdx"
mv "scimgate-$version.cdx.json" "$out/"
rm -f tests/emulators/"scimgate-$version.cdx.json"

rm -rf "$stage"
(cd "$out" && sha256sum -- * >SHA256SUMS)
ls -l "$out"
