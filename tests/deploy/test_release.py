"""What a release consists of: packages that install and start, and a list of what is in the binary."""

import hashlib
import json
import os
import re
import subprocess
import tarfile

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from gateway import ROOT, SCIMGATE, Process, send

VERSION = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]


@pytest.fixture(scope="session")
def dist(tmp_path_factory):
    """All but the image, of the binary that the other tests use."""
    out = tmp_path_factory.mktemp("release") / "dist"
    done = subprocess.run(
        [ROOT / "deploy/release/build.sh"],
        env={**os.environ, "BINARY": str(SCIMGATE), "OUT": str(out)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def only(dist, pattern):
    (found,) = dist.glob(pattern)
    return found


def run(*command, **options):
    done = subprocess.run([str(it) for it in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_file_has_its_checksum(dist):
    sums = dict(reversed(line.split("  ")) for line in (dist / "SHA256SUMS").read_text().splitlines())
    files = {it.name for it in dist.iterdir()} - {"SHA256SUMS"}
    assert sums.keys() == files and len(files) == 6
    for name in files:
        assert hashlib.sha256((dist / name).read_bytes()).hexdigest() == sums[name]


def test_the_deb_installs_and_its_service_starts(dist, tmp_path):
    root = tmp_path / "root"
    (root / "var/lib/dpkg").mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    dpkg = ["dpkg", f"--root={root}", "--force-not-root", "--force-script-chrootless", "--log=/dev/null"]
    run(*dpkg, "--install", only(dist, "*.deb"))
    assert run(*dpkg, "--verify", "scimgate") == ""
    conffile = root / "etc/scimgate/scimgate.toml"
    unit = (root / "usr/lib/systemd/system/scimgate.service").read_text()
    start = re.search(r"^ExecStart=(\S+) -c (\S+) serve$", unit, re.M)
    assert conffile == root / start[2].lstrip("/")
    environment = {f"SCIMGATE_{port}__LISTEN": "127.0.0.1:0" for port in ["SERVER", "OPS", "ADMIN"]}
    environment["SCIMGATE_STORE__PATH"] = str(tmp_path / "scimgate.db")
    gateway = Process([root / start[1].lstrip("/"), "-c", conffile, "serve"], tmp_path / "out", env=environment)
    try:
        gateway.told(r"listening on (\S+)")
        assert send(f"http://{gateway.told(r'metrics: http://([^/]+)/')}/readyz")[0] == 200
    finally:
        gateway.stop()
    run(*dpkg, "--purge", "scimgate")
    assert not (root / "usr/bin/scimgate").exists() and not conffile.exists()


def test_the_rpm_holds_what_the_deb_holds(dist):
    deb = run("dpkg-deb", "--contents", only(dist, "*.deb"))
    deb = {line.split()[5].removeprefix(".").rstrip("/") for line in deb.splitlines() if line[0] == "-"}
    rpm = only(dist, "*.rpm")
    listed = run("rpm", "--query", "--package", "--list", "--verbose", rpm)
    assert {line.split()[8] for line in listed.splitlines() if line[0] == "-"} == deb
    assert run("rpm", "--query", "--package", "--configfiles", rpm) == "/etc/scimgate/scimgate.toml\n"
    assert "digests OK" in run("rpm", "--checksig", "--nosignature", rpm)


def test_the_archive_holds_the_program_with_its_pages(dist):
    with tarfile.open(only(dist, "*.tar.gz")) as archive:
        names = archive.getnames()
        assert all(member.mtime == 0 for member in archive)
    top = f"scimgate-{VERSION}"
    for part in [
        "usr/bin/scimgate",
        "usr/share/man/man1/scimgate-tenant-add.1.gz",
        "usr/share/bash-completion/completions/scimgate",
        "usr/share/zsh/vendor-completions/_scimgate",
        "usr/share/doc/scimgate/copyright",
        "usr/share/scimgate/transcripts/wss/groups.http",
    ]:
        assert f"{top}/{part}" in names, part


def test_the_list_of_what_is_in_it_is_valid_and_whole(dist):
    text = only(dist, "*.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text) is None
    told = json.loads(text)
    assert told["metadata"]["component"]["name"] == "scimgate"
    names = {it["name"] for it in told["components"]}
    assert {"hyper", "rustls", "rhai", "rusqlite"} <= names
    # The demonstration is not in the image's binary.
    assert not {"indicatif", "scimgate-emulators"} & names
    assert all(it.get("licenses") for it in told["components"])


def test_the_manual_is_without_mistakes(dist, tmp_path):
    with tarfile.open(only(dist, "*.tar.gz")) as archive:
        archive.extractall(tmp_path, filter="data")
    pages = sorted(tmp_path.glob("*/usr/share/man/man1/*.gz"))
    assert len(pages) > 30
    for page in pages:
        shown = subprocess.run(
            ["man", "--warnings", "--local-file", str(page)],
            capture_output=True,
            text=True,
            env={**os.environ, "MANWIDTH": "100", "LC_ALL": "C.UTF-8"},
        )
        assert (shown.returncode, shown.stderr) == (0, ""), (page, shown.stderr)
        for section in ["EXAMPLES", "EXIT STATUS", "FILES"]:
            assert f"\n{section}\n" in shown.stdout, page
