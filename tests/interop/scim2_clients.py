"""Reads what each vendor's service tells of itself with scim2-client (PyPI), makes a user of the models
that come from /Schemas, reads it back and deletes it: first with what is required alone, then with
each other attribute, one user each. Prints what could not be made, which the vendor cannot hold."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys

from httpx2 import Client
from scim2_client import SCIMClientException
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import Error, SCIMException

VENDORS = ["reference", "sosafe", "paloalto", "webroot", "wss", "wedo"]
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ROOT = pathlib.Path(__file__).parents[2]
BINARY = os.environ.get("SCIMGATE", "target/debug/scimgate")


def main():
    failed = [vendor for vendor in VENDORS if not reads(vendor)]
    sys.exit(f"cannot be used: {', '.join(failed)}" if failed else 0)


def reads(vendor):
    with served(vendor) as (url, token):
        return uses(vendor, url, token)


@contextlib.contextmanager
def served(vendor):
    """Tenant URL and token of a demonstration."""
    command = [BINARY, "demo", "--serve-only", "--vendor", vendor, "--profile", "strict"]
    demonstration = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        told = {}
        while "TENANT_URL" not in told or "TOKEN" not in told:
            line = demonstration.stdout.readline()
            name, _, value = line.strip().partition("=")
            told[name] = value.strip("'\"")
            if not line:
                raise RuntimeError(f"{vendor}: the demonstration ended")
        yield told["TENANT_URL"], told["TOKEN"]
    finally:
        demonstration.kill()
        demonstration.wait()


def uses(vendor, url, token):
    http = Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    client = SyncSCIMClient(http)
    client.discover()
    user = client.get_resource_model("User")
    schema = next(item for item in http.get("/Schemas").json()["Resources"] if item["name"] == "User")
    least = required(schema, "least")
    made = create(client, user, least)
    if isinstance(made, str):
        print(f"{vendor}: {made}")
        return False
    created_by_command(url, token, required(schema, "command"))
    held = client.query(user, made.id)
    client.delete(user, made.id)
    assert held.user_name == least["userName"], held
    refused = []
    for attribute in schema["attributes"]:
        name = attribute["name"]
        # What is never shown cannot be compared.
        if name in least or attribute["mutability"] in ("readOnly", "writeOnly"):
            continue
        wanted = {**required(schema, name.lower()), name: value_of(attribute, name.lower())}
        made = create(client, user, wanted)
        if isinstance(made, str):
            refused.append(f"{name} ({made})")
            continue
        read = http.get(f"/Users/{made.id}").json()
        if not holds(read.get(name), wanted[name]):
            refused.append(f"{name} (read back as {json.dumps(read.get(name))})")
        client.delete(user, made.id)
    print(f"{vendor}: {len(schema['attributes'])} attributes, not held: {', '.join(refused) or 'none'}")
    return True


def required(schema, text):
    """What is required of a user, with values that nobody else has."""
    values = {"userName": f"{text}@scimgate.example", "displayName": "Ada Lane"}
    for attribute in schema["attributes"]:
        if attribute["required"] and attribute["name"] not in values:
            values[attribute["name"]] = value_of(attribute, text)
    return values


def created_by_command(url, token, values):
    """The same by scim2-cli, which is beside this interpreter."""
    command = [pathlib.Path(sys.executable).with_name("scim2"), "--url", url, "create", "user"]
    # By its environment: other users of the machine can read a command line.
    environment = {**os.environ, "SCIM_CLI_HEADERS": f"Authorization: Bearer {token}"}
    subprocess.run(command, input=json.dumps({"schemas": [USER], **values}), env=environment, text=True, check=True, stdout=subprocess.DEVNULL)


def create(client, model, values):
    """The user, or why there is none."""
    try:
        made = client.create(model.model_validate(values))
    except (SCIMClientException, SCIMException) as error:
        return str(error)
    return made.detail if isinstance(made, Error) else made


def value_of(attribute, text):
    if attribute["multiValued"]:
        return [one(attribute, text)]
    return one(attribute, text)


def one(attribute, text):
    kind = attribute["type"]
    if kind == "complex":
        parts = attribute["subAttributes"]
        written = [part for part in parts if part["mutability"] != "readOnly" and part["name"] != "$ref"]
        return {part["name"]: of_part(attribute, part, text) for part in written}
    if attribute.get("canonicalValues"):
        return attribute["canonicalValues"][-1]
    names = {"locale": "de-CH", "preferredLanguage": "de-CH", "timezone": "Europe/Zurich"}
    values = {"boolean": True, "integer": 7, "reference": "https://people.example/ada", "binary": "QUJD"}
    return values.get(kind) or names.get(attribute["name"], text)


def of_part(attribute, part, text):
    fitting = {
        ("emails", "value"): f"{text}@scimgate.example",
        ("phoneNumbers", "value"): "+41442681234",
        ("addresses", "country"): "CH",
    }
    return fitting.get((attribute["name"], part["name"])) or one(part, text)


def holds(read, wanted):
    """Whether all that was sent is read; more may be."""
    if isinstance(wanted, dict):
        return isinstance(read, dict) and all(holds(read.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(read, list) and all(any(holds(it, value) for it in read) for value in wanted)
    return read == wanted


if __name__ == "__main__":
    main()
