"""The configuration's schema takes what the gateway takes, and refuses what it refuses."""

import json
import subprocess

import jsonschema
import pytest

from gateway import SCIMGATE

TAKEN = {
    "version": [1],
    "workers": [1, 64],
    "server.listen": ["0.0.0.0:80", "[::1]:443", "127.0.0.1:0"],
    "server.public_url": ["https://scim.example.com", "http://[::1]:80/a/b", "https://h/with@sign"],
    "server.body_limit": [1, "1", "7B", "10 KiB", "1MiB"],
    "server.max_in_flight": [1],
    "server.tls": [{"certificate": "a", "key": "b"}],
    "ops.listen": ["", "0.0.0.0:9090"],
    "vendor.extra_ca": ["/etc/ca.pem"],
    "limits.burst": [1, 4294967295],
    "catalog.watch": ["auto", "inotify", "poll", "off"],
    "catalog.removal_grace_seconds": [0],
    "log.format": ["json", "text"],
    "log.retention": ["60s", "100s", "1m", "12h", "030d"],
    "log.reads": ["none"],
    "telemetry.tenant_label": ["hash"],
    "deadline.request_seconds": [1, 54],
    "oauth.access_token_minutes": [60, 360],
}
REFUSED = {
    "version": [0, 2, "1"],
    "wokers": [1],
    "workers": [0, "4", -1],
    "server": [3],
    "server.lissten": ["0.0.0.0:80"],
    "server.listen": ["", "80", ":80", "localhost:80", "1.2.3.4", "::1:443", 80],
    "server.public_url": ["scim.example.com", "ftp://h", "https://u:p@h/", "https://h/?q", "https://h/#f", ""],
    "server.body_limit": [0, "0", "0 KiB", "1 GB", "MiB", "-1", ""],
    "server.max_in_flight": [0],
    "server.tls": [{"certificate": "a"}, {}],
    "ops.listen": ["9090"],
    "limits.burst": [0, 4294967296],
    "catalog.watch": ["always"],
    "catalog.removal_grace_seconds": [-1],
    "log.format": ["xml", "JSON"],
    "log.retention": ["59s", "0d", "30", "d", "1w", 30],
    "log.filter": [7],
    "telemetry.tenant_label": ["on"],
    "deadline.request_seconds": [0, 55],
    "oauth.access_token_minutes": [59, 361],
}


def one_by_one(table):
    return [(key, value) for key, values in table.items() for value in values]


@pytest.fixture(scope="module")
def schema():
    printed = subprocess.run([SCIMGATE, "config", "schema"], capture_output=True, check=True)
    return json.loads(printed.stdout)


def verdicts(schema, key, value, directory):
    """Of the schema and of the gateway."""
    configuration = value
    for name in reversed(key.split(".")):
        configuration = {name: configuration}
    path = directory / "scimgate.json"
    path.write_text(json.dumps(configuration))
    command = [SCIMGATE, "-c", path, "config", "show"]
    gateway = subprocess.run(command, capture_output=True).returncode == 0
    return jsonschema.Draft7Validator(schema).is_valid(configuration), gateway


@pytest.mark.parametrize("key, value", one_by_one(TAKEN))
def test_both_take_it(schema, tmp_path, key, value):
    assert verdicts(schema, key, value, tmp_path) == (True, True)


@pytest.mark.parametrize("key, value", one_by_one(REFUSED))
def test_both_refuse_it(schema, tmp_path, key, value):
    assert verdicts(schema, key, value, tmp_path) == (False, False)


def test_it_is_a_schema(schema):
    jsonschema.Draft7Validator.check_schema(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
