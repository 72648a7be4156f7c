"""One Tenant URL: what `token mint` prints is what charts route, NOTES tell and pages show."""

import json
import re
import subprocess
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import pytest

from charts import REGISTRY, build, documents, notes, render
from gateway import ROOT, SCIMGATE

HOST = "scim.example.com"
INGRESS = ["--set", f"ingress.enabled=true,ingress.hosts={{{HOST}}}"]
ROUTE = ["--set", f"httpRoute.enabled=true,httpRoute.hostnames={{{HOST}}},httpRoute.parentRefs[0].name=public"]
BY_HAND = ["--set", f"config.server.public_url=https://{HOST}/"]
# One of a vendor whose customers have a URL each, one of a vendor whose customers share one.
TENANTS = {"acme": "reference", "site": "webroot"}


@pytest.fixture(scope="module")
def charts(tmp_path_factory):
    return build(tmp_path_factory.mktemp("charts"))


def printed(rendered, home) -> dict:
    """The Tenant URL of each tenant, by the program with the chart's configuration."""
    (text,) = [it["data"]["scimgate.json"] for it in rendered if "scimgate.json" in it.get("data", {})]
    home.mkdir(exist_ok=True)
    (home / "scimgate.json").write_text(text)
    (home / "tenants").mkdir(exist_ok=True)
    environment = {
        "SCIMGATE_CATALOG__ADAPTERS": str(ROOT / "adapters"),
        "SCIMGATE_CATALOG__TENANTS": str(home / "tenants"),
        "SCIMGATE_STORE__PATH": str(home / "scimgate.db"),
    }
    urls = {}
    for tenant, adapter in TENANTS.items():
        (home / "tenants" / f"{tenant}.toml").write_text(
            f'adapter = "{adapter}"\nbase_url = "https://vendor.example"\n'
        )
        command = [SCIMGATE, "-c", home / "scimgate.json", "token", "mint", "--tenant", tenant]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        urls[tenant] = re.search(r"Tenant URL: +(\S+)", done.stdout)[1]
    return urls


def routes(rendered):
    """Host, path and backend's port of everything that is led somewhere, by kind."""
    found = {}
    for document in rendered:
        kind, spec = document["kind"], document["spec"] if "spec" in document else {}
        if kind == "Ingress":
            for rule in spec["rules"]:
                for path in rule["http"]["paths"]:
                    port = path["backend"]["service"]["port"]["name"]
                    found.setdefault(kind, []).append((rule["host"], path["path"], port))
        if kind == "HTTPRoute":
            (rule,) = spec["rules"]
            for match in rule["matches"]:
                for host in spec["hostnames"]:
                    found.setdefault(kind, []).append((host, match["path"]["value"], "scim"))
    return found


def leads(routes, host, path):
    """The port that a path is led to, the longest prefix first; none if it is not."""
    parts = PurePosixPath(path).parents
    above = {str(it) for it in [PurePosixPath(path), *parts]}
    fits = [(prefix, port) for at, prefix, port in routes if at == host and prefix in above]
    return max(fits, key=lambda it: len(it[0]), default=(None, None))[1]


def check_routes(routes, urls, elsewhere):
    for url in urls.values():
        parts = urlsplit(url)
        assert parts.scheme == "https"
        for below in ["", "/Users", "/Groups/18001", "/ServiceProviderConfig"]:
            assert leads(routes, parts.hostname, parts.path + below) == "scim", (routes, url)
    for path in ["/", "/livez", "/metrics", "/admin/v1/status", "/tenants", "/scim"]:
        assert leads(routes, parts.hostname, path) == elsewhere, path


EXPECTED = {"acme": f"https://{HOST}/t/acme/scim/v2", "site": f"https://{HOST}/scim/v2"}


@pytest.mark.parametrize("settings", [INGRESS, ROUTE, INGRESS + ROUTE, BY_HAND], ids=str)
def test_the_program_prints_what_the_chart_routes_and_tells(charts, tmp_path, settings):
    rendered = documents(render(charts / "scimgate", *REGISTRY, *settings))
    urls = printed(rendered, tmp_path / "home")
    assert urls == EXPECTED
    kinds = routes(rendered)
    assert len(kinds) == sum("enabled=true" in it for it in settings)
    for routed in kinds.values():
        check_routes(routed, urls, None)
    told = notes(charts / "scimgate", *REGISTRY, *settings)
    assert urls["acme"].replace("acme", "NAME") in told and f": {urls['site']})" in told, told
    assert "nothing says under which address" not in told


def test_without_an_address_the_notes_say_what_is_missing(charts):
    told = notes(charts / "scimgate", *REGISTRY)
    assert "Set config.server.public_url" in told and "/t and /scim/v2" in told


def test_the_notes_name_secrets_and_missing_tls(charts):
    told = notes(charts / "scimgate", *REGISTRY, *INGRESS, "--set", "tenantSecrets.acme=acme-vendor")
    assert "get secret acme-vendor\n" in told and "ingress.tls is empty" in told
    told = notes(charts / "scimgate", *REGISTRY, *INGRESS, "--set", "ingress.tls[0].secretName=t")
    assert "create secret generic" in told and "WARNING" not in told


def test_the_sidecars_sample_routes_what_is_printed_and_leaves_the_rest_to_the_product(charts, tmp_path):
    rendered = documents(render(charts / "example-vendor"))
    urls = printed(rendered, tmp_path / "home")
    assert urls == {name: url.replace(HOST, "desk.example") for name, url in EXPECTED.items()}
    check_routes(routes(rendered)["Ingress"], urls, "http")


def test_pages_show_urls_of_the_forms_that_are_printed():
    pages = [ROOT / "README.md", *ROOT.glob("adapters/*.md"), *ROOT.glob("deploy/**/*.md")]
    url = re.compile(r"https?://[^\s`'\"<>)/]+(/[^\s`'\"<>)?]*)?/scim(?![\w-])(/[^\s`'\"<>)?]*)?")
    form = re.compile(r"https?://[^/]+(/t/[a-z0-9-]+)?/scim/v2(/.*)?")
    found = [(page.name, it[0]) for page in pages for it in url.finditer(page.read_text())]
    assert len(found) > 10
    assert [it for it in found if not form.fullmatch(it[1])] == []
