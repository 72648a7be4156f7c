"""The admin and onboarding APIs, through a client that a generator makes of their description."""

import importlib
import json
import subprocess
import sys

import pytest

from gateway import Gateway, Vendor, send


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    work = tmp_path_factory.mktemp("described")
    vendor = Vendor(work / "vendor")
    (work / "key").write_text("ab" * 32)
    (work / "key").chmod(0o600)
    gateway = Gateway(work / "gateway", SCIMGATE_STORE__CREDENTIAL_KEY_FILE=str(work / "key"))
    gateway.vendor = vendor
    gateway.start()
    gateway.admin = gateway.process.told(r"admin(?:istration)?[^\n]*?(http://[0-9.:]+)")
    yield gateway
    gateway.stop()
    vendor.stop()


@pytest.fixture(scope="module")
def client(gateway, tmp_path_factory):
    """The package that the generator made, and a description of what it was made of."""
    work = tmp_path_factory.mktemp("client")
    token = gateway.run("admin", "mint", "--name", "ada", "--role", "editor").split()[-1]
    status, text = send(f"{gateway.admin}/admin/v1/openapi.json", token)
    assert status == 200, text
    (work / "openapi.json").write_text(text)
    command = ["openapi-python-client", "generate", "--path", work / "openapi.json", "--output-path", work / "made"]
    command += ["--meta", "none", "--fail-on-warning"]
    done = subprocess.run([str(it) for it in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(work))
    made = importlib.import_module("made")
    return made.AuthenticatedClient(base_url=gateway.admin, token=token, raise_on_unexpected_status=True)


def test_everything_can_be_asked(client):
    print(json.dumps([]))
