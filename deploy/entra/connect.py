#!/usr/bin/env python3
"""Entra's side of a tenant, through Microsoft Graph: an application of your own, who is assigned to it,
its provisioning job with credentials and mappings. Read it before you run it.

    az login --tenant YOUR-TENANT --allow-no-subscriptions
    SECRET_TOKEN=scg_… ./connect.py --name "SoSafe" --tenant-url https://scim.example.com/t/acme/scim/v2 \\
        --page ../../adapters/sosafe.md --group GROUP-OBJECT-ID --notify it@example.com

It sets up the secret token; OAuth and workload identity federation are entered in the admin center.
You need the role Application Administrator or Cloud Application Administrator, python3 and the Azure CLI,
which gives the token for Graph. What it does, in this order:

 1. makes the application, or takes the one that --service-principal names;
 2. assigns the groups to it;
 3. makes the provisioning job, if there is none;
 4. tests the credentials, as the button "Test Connection" does, and stores them;
 5. sets the mappings to those of the vendor's page. Rows that only you can fill are told and left out;
 6. starts the job, with --start. Without it, look at everything in the admin center first.

Nothing is deleted. Run again with --service-principal to repeat steps 2 to 6.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

# "Create your own application".
OWN_APPLICATION = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
# What everybody is assigned who has no other role; Entra provisions nobody who has only this one by
# name "Default Access", but groups of an application without roles have no other.
NO_ROLE = "00000000-0000-0000-0000-000000000000"


class Graph:
    def __init__(self, url):
        self.url = url
        command = "az account get-access-token --resource https://graph.microsoft.com --query accessToken -o tsv"
        given = os.environ.get("GRAPH_TOKEN")
        self.token = given or subprocess.run(command.split(), check=True, capture_output=True, text=True).stdout.strip()

    def __call__(self, method, path, body=None):
        request = urllib.request.Request(self.url + path, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            sys.exit(f"{method} {path}: Microsoft Graph answers {error.code}\n{said}")
        return json.loads(text) if text else None


def rows(page):
    """Object, source and target of each row of the page's tables "From Entra | SCIM attribute"."""
    kind, inside = "User", False
    for line in page.splitlines():
        if line.startswith("Users:"):
            kind = "User"
        elif line.startswith("Groups;") or line.startswith("Groups:"):
            kind = "Group"
        if line.startswith("| From Entra |"):
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside and not line.startswith("|---"):
            source, target = (cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:3])
            yield kind, source, target


def types(page):
    """The type of each attribute that the page's tables name."""
    rows = re.findall(r"^\| (\S.*?) \| (String|Boolean|Reference|Integer|DateTime) \|", page, re.M)
    return dict(rows)


def attribute(name, kind):
    """An attribute that Entra's list lacks. Those that refer to something refer to users."""
    refers = {"referencedObjects": [{"referencedObjectName": "User"}]} if kind == "Reference" else {}
    return {"name": name, "type": kind, "mutability": "ReadWrite", "multivalued": name == "members", **refers}


def expression_of(source):
    """What Entra calculates; None for what only the administrator knows."""
    written = re.match(r"(expression )?`([^`]+)`", source)
    if not written:
        return None
    return written[2] if written[1] else f"[{written[2]}]"


def mapped(graph, job, schema, page):
    """The schema with the page's mappings, and what was left out."""
    rule = schema["synchronizationRules"][0]
    (target,) = [it for it in schema["directories"] if it["name"] == rule["targetDirectoryName"]]
    wanted, left_out = {}, []
    for kind, source, name in rows(page):
        expression = expression_of(source)
        if expression is None:
            left_out.append(f"{name}: {source}")
            continue
        parsed = graph("POST", f"{job}/schema/parseExpression", {"expression": expression})
        if not parsed["parsingSucceeded"]:
            sys.exit(f"Entra does not understand {expression}: {parsed['parsingError']}")
        matches = name == ("userName" if kind == "User" else "displayName")
        wanted.setdefault(kind, {})[name] = {
            "targetAttributeName": name,
            "source": parsed["parsedExpression"],
            "matchingPriority": 1 if matches else 0,
            "flowType": "Always",
            "flowBehavior": "FlowWhenChanged",
        }
    for mapping in rule["objectMappings"]:
        kind = mapping["targetObjectName"]
        mapping["enabled"] = kind in wanted
        if kind not in wanted:
            continue
        mapping["attributeMappings"] = list(wanted[kind].values())
        (described,) = [it for it in target["objects"] if it["name"] == kind]
        known = {it["name"] for it in described["attributes"]}
        described["attributes"] += [
            attribute(name, types(page).get(name, "String"))
            for name in wanted[kind]
            if name not in known
        ]
    return schema, left_out


def settled(what, seconds=120):
    """Waits for what Entra makes in the background."""
    end = time.monotonic() + seconds
    while not (found := what()):
        if time.monotonic() > end:
            sys.exit("Entra has not made it within two minutes; run again with --service-principal")
        time.sleep(2)
    return found


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--name", required=True, help="the application's name")
    options.add_argument("--tenant-url", required=True, help="as `scimgate token mint` printed it")
    options.add_argument("--page", required=True, help="adapters/VENDOR.md")
    options.add_argument("--group", action="append", default=[], help="object id of a group to provision")
    options.add_argument("--notify", help="who is written to when provisioning fails")
    options.add_argument("--service-principal", help="object id of the enterprise application that is there")
    options.add_argument("--start", action="store_true", help="start the job")
    options.add_argument("--graph", default="https://graph.microsoft.com/v1.0", help="of another cloud")
    options = options.parse_args()
    token = os.environ.get("SECRET_TOKEN") or sys.exit("set SECRET_TOKEN to the Secret Token")
    page = open(options.page, encoding="utf-8").read()
    graph = Graph(options.graph)

    principal = options.service_principal
    if not principal:
        made = graph("POST", f"/applicationTemplates/{OWN_APPLICATION}/instantiate", {"displayName": options.name})
        principal = made["servicePrincipal"]["id"]
        print(f"application {options.name}: --service-principal {principal}")
    place = f"/servicePrincipals/{principal}"

    def known():
        try:
            return graph("GET", f"{place}/synchronization/templates")["value"]
        except SystemExit:
            return None

    templates = settled(known)
    roles = [it["id"] for it in graph("GET", place)["appRoles"] if it["isEnabled"] and it["displayName"] == "User"]
    assigned = {it["principalId"] for it in graph("GET", f"{place}/appRoleAssignedTo")["value"]}
    for group in options.group:
        if group not in assigned:
            assignment = {"principalId": group, "resourceId": principal, "appRoleId": (roles or [NO_ROLE])[0]}
            graph("POST", f"{place}/appRoleAssignedTo", assignment)
            print(f"assigned {group}")

    jobs = graph("GET", f"{place}/synchronization/jobs")["value"]
    job = jobs[0] if jobs else graph("POST", f"{place}/synchronization/jobs", {"templateId": templates[0]["id"]})
    job = f"{place}/synchronization/jobs/{job['id']}"
    credentials = [{"key": "BaseAddress", "value": options.tenant_url}, {"key": "SecretToken", "value": token}]
    graph("POST", f"{job}/validateCredentials", {"useSavedCredentials": False, "credentials": credentials})
    print("the credentials are good")
    if options.notify:
        settings = {"Enabled": True, "DeleteThresholdEnabled": False, "Recipients": options.notify}
        credentials.append({"key": "SyncNotificationSettings", "value": json.dumps(settings)})
    # Only who is assigned.
    credentials.append({"key": "SyncAll", "value": "false"})
    graph("PUT", f"{place}/synchronization/secrets", {"value": credentials})

    schema, left_out = mapped(graph, job, graph("GET", f"{job}/schema"), page)
    graph("PUT", f"{job}/schema", schema)
    print("the mappings are those of the page")
    for row in left_out:
        print(f"  left out, for you to map: {row}")
    if options.start:
        graph("POST", f"{job}/start")
        print("started: the initial cycle runs, then one about every 40 minutes")


if __name__ == "__main__":
    main()
