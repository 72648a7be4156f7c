"""The unit, judged by systemd itself; no system has to be running."""

import subprocess

import pytest

from gateway import ROOT, SCIMGATE

UNIT = ROOT / "deploy" / "systemd" / "scimgate.service"
# 0 is nothing that could be taken away, 10 a service without any confinement.
MOST_EXPOSED = 20


@pytest.fixture
def unit(tmp_path):
    """A copy whose program is on this machine."""
    path = tmp_path / UNIT.name
    text = UNIT.read_text()
    assert "ExecStart=/usr/local/bin/scimgate " in text
    path.write_text(text.replace("/usr/local/bin/scimgate", str(SCIMGATE)))
    return path


def systemd_analyze(*arguments):
    done = subprocess.run(["systemd-analyze", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


def test_systemd_understands_every_line(unit):
    complaints = systemd_analyze("verify", "--man=no", "--recursive-errors=no", unit)
    assert "scimgate" not in complaints, complaints


def test_the_service_may_do_little(unit):
    systemd_analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", unit)


def test_what_the_unit_starts_finds_what_it_needs(tmp_path):
    """The configuration beside it, in the directories its comment makes."""
    etc = tmp_path / "etc"
    etc.mkdir()
    text = (UNIT.parent / "scimgate.toml").read_text()
    (etc / "scimgate.toml").write_text(text)
    command = [SCIMGATE, "-c", etc / "scimgate.toml", "config", "show", "--origin"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f'tenants = "{etc}/tenants"' in shown
    assert 'path = "/var/lib/scimgate/scimgate.db"' in shown
