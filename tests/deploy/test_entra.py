"""The script for Entra's side, against a Graph of our own that keeps what it is told."""

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gateway import ROOT

SCRIPT = ROOT / "deploy" / "entra" / "connect.py"
PRINCIPAL, GROUP = "aaaa0000-1111-4222-8333-444455556666", "bbbb0000-1111-4222-8333-444455556666"
SCHEMA = {
    "synchronizationRules": [
        {
            "targetDirectoryName": "customappsso",
            "objectMappings": [
                {"targetObjectName": "Group", "enabled": False, "attributeMappings": ["as before"]},
                {"targetObjectName": "User", "enabled": False, "attributeMappings": ["as before"]},
            ],
        }
    ],
    "directories": [
        {"name": "Azure Active Directory", "objects": []},
        {
            "name": "customappsso",
            "objects": [
                {"name": "User", "attributes": [{"name": "userName", "type": "String"}]},
                {"name": "Group", "attributes": [{"name": "displayName", "type": "String"}]},
            ],
        },
    ],
}


class Graph:
    def __init__(self):
        self.told, self.jobs, self.assigned = [], [], []
        graph = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                assert self.headers["Authorization"] == "Bearer of-an-administrator"
                graph.told.append((self.command, self.path, body))
                found = graph.answer(self.command, self.path, body)
                text = json.dumps(found).encode() if found is not None else b""
                self.send_response(200 if text else 204)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, method, path, body):
        place = f"/servicePrincipals/{PRINCIPAL}"
        sync = f"{place}/synchronization"
        match method, path:
            case "POST", "/applicationTemplates/8adf8e6e-67b2-4cf2-a259-e3dc5476c621/instantiate":
                return {"servicePrincipal": {"id": PRINCIPAL}}
            case "GET", at if at == place:
                return {"appRoles": [{"id": "role", "displayName": "User", "isEnabled": True}]}
            case "GET", at if at == f"{place}/appRoleAssignedTo":
                return {"value": self.assigned}
            case "POST", at if at == f"{place}/appRoleAssignedTo":
                self.assigned.append(body)
                return body
            case "GET", at if at == f"{sync}/templates":
                return {"value": [{"id": "scim"}]}
            case "GET", at if at == f"{sync}/jobs":
                return {"value": self.jobs}
            case "POST", at if at == f"{sync}/jobs":
                self.jobs.append({"id": "job", **body})
                return self.jobs[-1]
            case "POST", at if at == f"{sync}/jobs/job/schema/parseExpression":
                parsed = {"expression": body["expression"], "type": "Function"}
                return {"parsingSucceeded": True, "parsedExpression": parsed}
            case "GET", at if at == f"{sync}/jobs/job/schema":
                return SCHEMA
            case ("PUT", at) | ("POST", at) if at in [
                f"{sync}/secrets",
                f"{sync}/jobs/job/schema",
                f"{sync}/jobs/job/validateCredentials",
                f"{sync}/jobs/job/start",
            ]:
                return None
        raise AssertionError((method, path))

    def said(self, ending):
        """The body of the last request whose path ends so."""
        return [body for _, path, body in self.told if path.endswith(ending)][-1]


@pytest.fixture
def graph():
    graph = Graph()
    yield graph
    graph.server.shutdown()


def connect(graph, *more, vendor="sosafe"):
    command = [
        sys.executable, SCRIPT, "--name", "SoSafe", "--tenant-url", "https://scim.example.com/t/acme/scim/v2",
        "--page", ROOT / "adapters" / f"{vendor}.md", "--group", GROUP, "--graph", graph.url, *more,
    ]
    environment = {**os.environ, "GRAPH_TOKEN": "of-an-administrator", "SECRET_TOKEN": "scg_secret"}
    done = subprocess.run([str(it) for it in command], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "scg_secret" not in done.stdout + done.stderr
    return done.stdout


def test_it_makes_everything_once_and_starts_only_when_told(graph):
    connect(graph, "--notify", "it@example.com")
    assert not [path for _, path, _ in graph.told if path.endswith("/start")]
    assert graph.assigned == [{"principalId": GROUP, "resourceId": PRINCIPAL, "appRoleId": "role"}]
    secrets = {it["key"]: it["value"] for it in graph.said("/secrets")["value"]}
    assert secrets["BaseAddress"] == "https://scim.example.com/t/acme/scim/v2"
    assert (secrets["SecretToken"], secrets["SyncAll"]) == ("scg_secret", "false")
    connect(graph, "--service-principal", PRINCIPAL, "--start")
    made = [path for method, path, _ in graph.told if method == "POST"]
    assert sum(path.endswith("instantiate") for path in made) == 1
    assert sum(path.endswith("/jobs") for path in made) == 1
    assert (len(graph.assigned), sum(path.endswith("/start") for path in made)) == (1, 1)


@pytest.mark.parametrize("vendor", ["paloalto", "sosafe", "webroot", "wedo", "wss"])
def test_the_mappings_are_those_of_the_page(graph, vendor):
    told = connect(graph, vendor=vendor)
    schema = graph.said("/schema")
    (rule,) = schema["synchronizationRules"]
    page = (ROOT / "adapters" / f"{vendor}.md").read_text()
    for mapping in rule["objectMappings"]:
        kind = mapping["targetObjectName"]
        (table,) = [it for it in re.findall(rf"^{kind}s[:;].*?\n\n", page + "\n\n", re.S | re.M)] or [None]
        assert mapping["enabled"] == (table is not None)
        if not table:
            continue
        (match,) = [it for it in mapping["attributeMappings"] if it["matchingPriority"] == 1]
        assert match["targetAttributeName"] == {"User": "userName", "Group": "displayName"}[kind]
        rows = table.count("\n| ") - 1
        left_out = told.count("left out") if kind == "User" else 0
        assert len(mapping["attributeMappings"]) == rows - left_out, kind
        described = [it for it in schema["directories"][1]["objects"] if it["name"] == kind][0]
        known = {it["name"] for it in described["attributes"]}
        assert {it["targetAttributeName"] for it in mapping["attributeMappings"]} <= known
        kinds = {it["name"]: it["type"] for it in described["attributes"]}
        assert kinds.get("active", "Boolean") == "Boolean" and kinds.get("members", "Reference") == "Reference"
    sources = [it["source"]["expression"] for it in rule["objectMappings"][1]["attributeMappings"]]
    assert "[userPrincipalName]" in sources
    switched = 'Switch([IsSoftDeleted], , "False", "True", "True", "False")'
    # A page may say beside the expression what it is for.
    assert (switched in sources) == bool(re.search(rf"`{re.escape(switched)}`[^|]*\| active", page))
