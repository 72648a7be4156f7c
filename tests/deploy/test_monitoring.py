"""Alerts, runbooks and dashboard fit together."""

import json
import re
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
ALERTS = ROOT / "deploy" / "helm" / "scimgate" / "files" / "alerts.yaml"
DASHBOARD = ROOT / "deploy" / "helm" / "scimgate" / "files" / "dashboard.json"
RUNBOOKS = ROOT / "deploy" / "runbooks"
UNIT_TESTS = ROOT / "tests" / "deploy" / "alerts_test.yaml"


def promtool(*arguments):
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def rules():
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def test_the_rules_can_be_read():
    promtool("check", "rules", ALERTS)


def test_each_alert_fires_when_it_should():
    promtool("test", "rules", UNIT_TESTS)


def test_each_alert_has_a_unit_test_in_which_it_fires():
    fires = {
        case["alertname"]
        for test in yaml.safe_load(UNIT_TESTS.read_text())["tests"]
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }
    assert {rule["alert"] for rule in rules()} == fires


def test_each_alert_has_a_runbook_and_each_runbook_an_alert():
    for rule in rules():
        page = ROOT / rule["annotations"]["runbook_url"]
        assert page.read_text().startswith(f"# {rule['alert']}\n"), page
    pages = {page.stem for page in RUNBOOKS.glob("*.md")}
    assert pages == {rule["alert"] for rule in rules()}


def shown():
    """What the panels ask."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", [])]


def expressions():
    return shown() + [rule["expr"] for rule in rules()]


def documented():
    """Names as Prometheus sees them, of the metrics in deploy/telemetry.md."""
    page = (ROOT / "deploy" / "telemetry.md").read_text()
    return set(re.findall(r"`((?:scimgate|http|process)_[a-z_]+)`", page))


def metrics_asked_for():
    """The gateway's series that a rule or a panel names."""
    named = set()
    for expression in expressions():
        without_labels = re.sub(r"by \([^)]*\)|\{[^}]*\}", "", expression)
        named.update(re.findall(r"\b(?:scimgate|http|process)_[a-z_]+", without_labels))
    return named


def test_alerts_and_dashboard_ask_for_metrics_there_are():
    names = documented()
    assert len(names) > 15
    for name in metrics_asked_for():
        assert re.sub(r"_(bucket|count|sum)$", "", name) in names, name


def test_panels_do_not_overlap():
    taken = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells, panel["title"]
        taken |= cells
