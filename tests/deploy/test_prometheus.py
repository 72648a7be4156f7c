"""A real Prometheus on real gateways: each fault fires its alert, and a well gateway none."""

import json
import re
import sqlite3
import subprocess
import threading
import time

import pytest

from gateway import Gateway, Vendor, send, until
from prometheus import Prometheus
from test_monitoring import ALERTS, metrics_asked_for, rules, shown

# Its metrics are the kubelet's.
NOT_OF_THE_GATEWAY = {"ScimgateDiskFull"}
NEVER_LIMITED = "[limits]\nrequests_per_second = 1000\nburst = 1000\n"


class Load:
    """Requests that go on until the end."""

    def __init__(self):
        self.over = threading.Event()
        self.threads = []

    def every(self, seconds, ask):
        def go_on():
            while not self.over.wait(seconds):
                ask()

        self.threads.append(threading.Thread(target=go_on, daemon=True))
        self.threads[-1].start()

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join(timeout=60)


@pytest.fixture(scope="module")
def stopping():
    """Stopped at the end, the last one first."""
    stack = []
    yield stack
    for each in reversed(stack):
        each.stop()


@pytest.fixture(scope="module")
def vendor(stopping, tmp_path_factory):
    stopping.append(Vendor(tmp_path_factory.mktemp("vendor") / "well"))
    return stopping[-1]


@pytest.fixture(scope="module")
def load(stopping):
    stopping.append(Load())
    return stopping[-1]


@pytest.fixture(scope="module")
def well(stopping, vendor, load, tmp_path_factory):
    """A gateway that is well, and its Prometheus."""
    home = tmp_path_factory.mktemp("well")
    gateway = Gateway(home / "gateway")
    token = gateway.tenant("acme", vendor.tenant)
    gateway.start()
    stopping.append(gateway)
    load.every(0.2, lambda: provision(gateway.url, token))
    stopping.append(Prometheus(home / "prometheus", ALERTS.read_text(), [gateway.ops]))
    return gateway, stopping[-1]


def provision(url, token):
    """A user is looked for, made and read."""
    name = f"ada-{time.monotonic_ns()}@example.com"
    send(f"{url}/Users?filter=userName+eq+%22{name}%22", token)
    _, made = create(url, token, name)
    if made:
        send(f"{url}/Users/{json.loads(made)['id']}", token)


def create(url, token, name=None):
    """A user is made, of a name of its own unless one is given."""
    name = name or f"bob-{time.monotonic_ns()}@example.com"
    return send(f"{url}/Users", token, "POST", {"userName": name, "active": True})


@pytest.fixture(scope="module")
def ill(stopping, vendor, well, load, tmp_path_factory):
    """A gateway with every fault there is, and a Prometheus that looks at both."""
    home = tmp_path_factory.mktemp("ill")
    slow = Vendor(home / "slow", faults=[{"do": {"delay_ms": 6000}}])
    stopping.append(slow)
    gateway = Gateway(
        home / "gateway",
        NEVER_LIMITED + certificate(home),
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
        OTEL_METRIC_EXPORT_INTERVAL="1000",
    )
    another_adapter(gateway.home, "throws", "get(`/people/${id}`)", 'throw "out of paper"')
    another_adapter(gateway.home, "issues", 'group = { field = "id" }', 'group = { field = "id", issued = true }')
    quiet = gateway.tenant("quiet", vendor.tenant)
    gone = gateway.tenant("gone", moved_to("http://127.0.0.1:9", vendor.tenant))
    refused = gateway.tenant("refused", vendor.tenant.replace('value = "', 'value = "x'))
    throws = gateway.tenant("throws", vendor.tenant.replace('"reference"', '"throws"'))
    issues = gateway.tenant("issues", vendor.tenant.replace('"reference"', '"issues"'))
    waits = gateway.tenant("waits", slow.tenant + "[limits]\nconcurrency = 1\n")
    revoked = gateway.tenant("revoked", vendor.tenant)
    gateway.run("token", "revoke", "--tenant", "revoked", "--key", revoked[4:12])
    a_token_that_ends_in_a_week(gateway.home, "quiet")

    # How near quarantine is stands in the store, and is asked once a minute, first at the start.
    gateway.start()
    assert send(f"{gateway.url}/Users", revoked)[0] == 401
    gateway.stop()
    gateway.start()
    stopping.append(gateway)
    targets = [gateway.ops, well[0].ops, "127.0.0.1:9"]
    prometheus = Prometheus(home / "prometheus", ALERTS.read_text(), targets)
    stopping.append(prometheus)

    until(lambda: prometheus.query("scimgate_build_info"), what="a scrape")
    for _ in range(3):
        provision(gateway.url, quiet)
        seen = count_of(prometheus, "quiet")
        until(lambda: count_of(prometheus, "quiet") > seen or seen >= 6, what="a scrape")
    for token in [gone, refused]:
        load.every(0.2, lambda token=token: send(f"{gateway.url}/Users/1", token))
    load.every(0.2, lambda: create(gateway.url, issues))
    load.every(0.2, lambda: send(f"{gateway.url}/Groups/1", issues))
    for _ in range(4):
        load.every(0.02, lambda: send(f"{gateway.url}/Users/1", throws))
    load.every(0.1, lambda: send(f"{gateway.url}/Users", revoked))
    for _ in range(3):
        load.every(0, lambda: send(f"{gateway.url}/Groups/1", waits))
    (gateway.home / "scripts" / "reference.rhai").write_text("fn get_user(id) {")
    return gateway, prometheus


def count_of(prometheus, tenant):
    found = prometheus.query(f'sum(scimgate_provisioning_events_total{{tenant="{tenant}"}})')
    return float(found[0]["value"][1]) if found else 0


def certificate(home):
    """The section of a certificate that ends in three days."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        + ["-days", "3", "-subj", "/CN=scim", "-keyout", home / "tls.key", "-out", home / "tls.crt"],
        check=True,
        capture_output=True,
    )
    return f'[server.tls]\ncertificate = "{home}/tls.crt"\nkey = "{home}/tls.key"\n'


def another_adapter(home, name, old, new):
    """The reference adapter with one place changed, in its manifest or its script."""
    places = 0
    for kind, ending in [("adapters", "toml"), ("scripts", "rhai")]:
        text = (home / kind / f"reference.{ending}").read_text()
        places += text.count(old)
        (home / kind / f"{name}.{ending}").write_text(text.replace(old, new))
    assert places == 1


def moved_to(url, tenant):
    lines = tenant.splitlines(keepends=True)
    return "".join(f'base_url = "{url}"\n' if line.startswith("base_url") else line for line in lines)


def a_token_that_ends_in_a_week(home, tenant):
    end = int((time.time() + 7 * 86400) * 1000)
    with sqlite3.connect(home / "state" / "scimgate.db") as store:
        store.execute("UPDATE token SET expires = ? WHERE tenant = ?", (end, tenant))
    store.close()


def test_each_fault_fires_its_alert(ill):
    gateway, prometheus = ill
    expected = {rule["alert"] for rule in rules()} - NOT_OF_THE_GATEWAY
    fire(prometheus, expected - {"ScimgateStoreErrors"})
    with sqlite3.connect(gateway.home / "state" / "scimgate.db", timeout=30) as store:
        # Every create writes to it before it asks the vendor.
        store.execute("DROP TABLE intent")
    store.close()
    fire(prometheus, {"ScimgateStoreErrors"})


def fire(prometheus, alerts):
    """Waits until each has fired at some time."""
    silent = set(alerts)

    def none_is_left():
        silent.difference_update(prometheus.alerts())
        return not silent

    until(none_is_left, 90, silent)


def test_every_metric_that_is_asked_for_can_be_scraped(ill):
    _, prometheus = ill
    until(lambda: metrics_asked_for() <= prometheus.names(), 30, "all metrics")


@pytest.mark.parametrize("expression", shown())
def test_every_panel_shows_something(ill, expression):
    """Rows, and in them the labels it groups by."""
    _, prometheus = ill
    labels = set(re.findall(r"\w+", "".join(re.findall(r"by \(([^)]*)\)", expression)))) - {"le"}
    query = expression.replace("$__rate_interval", "15s").replace("$tenant", ".*")
    until(lambda: any(labels <= set(row["metric"]) for row in prometheus.query(query)), 30, query)


def test_a_well_gateway_fires_none(well, ill):
    _, prometheus = well
    # Longer than the longest of the shortened ranges that needs no silence.
    until(lambda: count_of(prometheus, "acme") > 50, 60, "work")
    assert prometheus.alerts() == set()
    assert prometheus.query('up{job="scimgate"} == 1')
