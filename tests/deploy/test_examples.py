"""The samples for single machines: proxies lead what Tenant URLs need and nothing else."""

import json
import re
import socket
import subprocess

import pytest
import yaml

from charts import HELM
from gateway import ROOT, Gateway, Process, Vendor, send

PROXY = ROOT / "deploy" / "proxy"
# Of the gateway's answers: a proxy's own are in other words.
OURS = "urn:ietf:params:scim"
LEADS = ["/t/acme/scim/v2/Users", "/scim/v2/Users", "/t/acme/scim/v2/ServiceProviderConfig"]
METADATA = ["/.well-known/oauth-authorization-server" + it for it in ["/t/acme/scim/v2", "/scim/v2"]]
LEADS_NOWHERE = ["/", "/t", "/tenants", "/scim", "/scim/v2x/Users", "/metrics", "/livez", "/admin/v1/status", "/x/t/a"]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    work = tmp_path_factory.mktemp("proxied")
    vendor = Vendor(work / "vendor")
    gateway = Gateway(work / "gateway")
    gateway.token = gateway.tenant("acme", vendor.tenant)
    gateway.start()
    yield gateway
    gateway.stop()
    vendor.stop()


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def replaced(text, **words):
    for old, new in words.values():
        assert old in text, old
        text = text.replace(old, new)
    return text


def nginx(work, gateway, port):
    crt, key = work / "crt", work / "key"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=scim.example.com"
    subprocess.run([*make.split(), "-out", crt, "-keyout", key], check=True, capture_output=True)
    sample = replaced(
        (PROXY / "nginx.conf").read_text(),
        upstream=("server 127.0.0.1:8080;", f"server {gateway};"),
        listen=("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        crt=("/etc/ssl/scim.example.com.crt", str(crt)),
        key=("/etc/ssl/scim.example.com.key", str(key)),
    )
    config = work / "nginx.conf"
    paths = "".join(
        f"{name}_temp_path {work}/{name};" for name in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    )
    config.write_text(
        f"pid {work}/pid; daemon off; error_log stderr; events {{}} http {{ access_log off; {paths} {sample} }}"
    )
    return Process(["nginx", "-e", "stderr", "-p", work, "-c", config], work / "out"), f"https://127.0.0.1:{port}"


def caddy(work, gateway, port):
    config = work / "Caddyfile"
    config.write_text("{\n\tadmin off\n}\n" + (PROXY / "Caddyfile").read_text())
    address = f"http://127.0.0.1:{port}"
    environment = {"HOST": address, "GATEWAY": gateway, "HOME": str(work), "PATH": "/usr/bin"}
    command = ["caddy", "run", "--config", config, "--adapter", "caddyfile"]
    return Process(command, work / "out", env=environment), address


@pytest.mark.parametrize("proxy", [nginx, caddy], ids=lambda it: it.__name__)
def test_a_proxy_leads_tenant_urls_and_nothing_else(gateway, tmp_path, proxy):
    process, address = proxy(tmp_path, re.match(r"http://([^/]+)", gateway.url)[1], free_port())
    try:
        for _ in range(200):
            if send(f"{address}/")[0]:
                break
            assert process.child.poll() is None, process.output.read_text()
            try:
                process.child.wait(0.05)
            except subprocess.TimeoutExpired:
                pass
        for path in LEADS:
            status, body = send(address + path, gateway.token)
            assert status == 200 and OURS in body, (path, status, body)
        for path in METADATA:
            status, body = send(address + path)
            assert status == 200 and json.loads(body)["token_endpoint"].endswith("/oauth2/token"), (path, body)
        for path in LEADS_NOWHERE:
            status, body = send(address + path, gateway.token)
            assert status == 404 and OURS not in body, (path, status, body)
    finally:
        process.stop()


def test_traefik_is_told_the_paths_of_the_charts():
    told = yaml.safe_load((PROXY / "traefik.yaml").read_text())["http"]["routers"]["scimgate"]["rule"]
    found = {it.rstrip("/") for it in re.findall(r"Path(?:Prefix)?\(`([^`]+)`\)", told)}
    names = (HELM / "scimgate-sidecar/templates/_names.tpl").read_text()
    (listed,) = re.findall(r'define "scimgate.paths" -}}\n(.*?)\n{{', names, re.S)
    assert found == set(yaml.safe_load(listed))


def test_compose_fits_its_specification_and_the_image():
    file = ROOT / "deploy" / "compose" / "compose.yaml"
    check = ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    gateway = yaml.safe_load(file.read_text())["services"]["scimgate"]
    version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]
    assert gateway["image"] == f"scimgate:{version}"
    # Where the image's configuration looks, and variables that it knows.
    places = {it.split(":")[1] for it in gateway["volumes"]}
    assert places == {"/etc/scimgate/tenants", "/etc/scimgate/secrets", "/var/lib/scimgate"}
    keys = (ROOT / "src" / "config.default.toml").read_text()
    for name in gateway["environment"]:
        assert re.search(rf"^#?{name.split('__')[1].lower()} = ", keys, re.M), name
