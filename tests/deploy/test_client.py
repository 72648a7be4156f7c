"""The admin and onboarding APIs, through a client that a generator makes of their description."""

import importlib
import os
import subprocess
import sys

import pytest

from gateway import Gateway, send

BASE_URL = "https://sosafe.example/provisioning/v1"
SETTINGS = {"idp_tenant": "11111111-2222-3333-4444-555555555555"}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    work = tmp_path_factory.mktemp("described")
    key = work / "key"
    key.touch(mode=0o600)
    key.write_text(os.urandom(32).hex())
    gateway = Gateway(work / "gateway", SCIMGATE_STORE__CREDENTIAL_KEY_FILE=str(key))
    gateway.start()
    gateway.admin = gateway.process.told(r"(http://[0-9.:]+)/admin")
    (work / "template.toml").write_text(f'base_url = "{BASE_URL}"\n')
    gateway.tokens = {
        "admin": gateway.run("admin", "mint", "--name", "ada", "--role", "editor").split()[-1],
        "console": gateway.run(
            "admin", "mint", "--name", "desk", "--onboarding", "sosafe", "--template", work / "template.toml"
        ).split()[-1],
    }
    yield gateway
    gateway.stop()


@pytest.fixture(scope="module")
def api(gateway, tmp_path_factory):
    """The package that the generator makes. What it does not understand, it would leave out."""
    work = tmp_path_factory.mktemp("client")
    status, text = send(f"{gateway.admin}/admin/v1/openapi.json", gateway.tokens["admin"])
    assert status == 200, text
    (work / "openapi.json").write_text(text)
    command = ["openapi-python-client", "generate", "--path", work / "openapi.json", "--output-path", work / "made"]
    command += ["--meta", "none", "--fail-on-warning"]
    done = subprocess.run([str(it) for it in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(work))
    return importlib.import_module("made")


def call(api, gateway, name, *arguments, door="admin", **more):
    """What the operation's own function gives back."""
    made = importlib.import_module(f"made.api.default.{name}")
    client = api.AuthenticatedClient(
        base_url=gateway.admin, token=gateway.tokens[door], raise_on_unexpected_status=True
    )
    answer = made.sync_detailed(*arguments, client=client, **more)
    assert answer.status_code in (200, 204), answer.content
    return answer.parsed


def models(name):
    return getattr(importlib.import_module("made.models"), name)


def test_an_administrator_makes_and_ends_a_tenant(api, gateway):
    body = models("NewTenant").from_dict(
        {
            "name": "acme",
            "tenant": {
                "adapter": "sosafe",
                "base_url": BASE_URL,
                "settings": SETTINGS,
                "credential": {"key": "k-1"},
            },
        }
    )
    made = call(api, gateway, "post_tenants", body=body)
    assert (made.source, made.service, made.tenant["adapter"]) == ("store", "on", "sosafe")
    minted = call(api, gateway, "post_tenants_tenant_tokens", "acme", body=models("Mint").from_dict({"oauth": True}))
    assert minted.client_id == "acme" and minted.client_secret.startswith("scs_")
    (token,) = call(api, gateway, "get_tenants_tenant_tokens", "acme")
    assert token.key == minted.key and token.works
    call(api, gateway, "delete_tenants_tenant_tokens_key", "acme", minted.key)
    (token,) = call(api, gateway, "get_tenants_tenant_tokens", "acme")
    assert not token.works
    assert [it.id for it in call(api, gateway, "get_tenants")] == ["acme"]
    call(api, gateway, "delete_tenants_tenant", "acme")
    assert call(api, gateway, "get_tenants") == []


def test_a_console_onboards_a_customer(api, gateway):
    body = models("Onboard").from_dict(
        {"customer": "70021", "settings": SETTINGS, "credential": {"key": "k-2"}, "sign_in": "client_secret"}
    )
    shown = call(api, gateway, "onboarding_post_customers", door="console", body=body)
    assert shown.created and [it.label for it in shown.fields] == [
        "Tenant URL",
        "Token Endpoint",
        "Client ID",
        "Client Secret",
    ]
    status = call(api, gateway, "onboarding_get_customers_customer", "70021", door="console")
    assert [it.key for it in status.tokens] == [shown.key]
