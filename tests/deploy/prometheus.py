"""A real Prometheus with the shipped rules, whose times are shortened."""

import json
import re
import urllib.parse
from pathlib import Path

import yaml

from gateway import Process, send, until

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
FASTER = 600


def shortened(duration: str, at_least: int) -> str:
    """`duration`, so many times shorter that a test can wait for it; a range holds a few scrapes."""
    number, unit = re.fullmatch(r"(\d+)([smhd])", duration).groups()
    return f"{max(at_least, int(number) * UNITS[unit] // FASTER)}s"


def quick(rules: str) -> str:
    """Rules with the same expressions over shorter times."""
    document = yaml.safe_load(rules)
    for group in document["groups"]:
        for rule in group["rules"]:
            rule["expr"] = re.sub(
                r"(\[|offset )(\d+[smhd])", lambda found: found[1] + shortened(found[2], 5), rule["expr"]
            )
            if "for" in rule:
                rule["for"] = shortened(rule["for"], 2)
    return yaml.safe_dump(document)


class Prometheus(Process):
    """Scrapes `targets` each second."""

    def __init__(self, directory: Path, rules: str, targets: list[str]):
        directory.mkdir()
        (directory / "rules.yml").write_text(quick(rules))
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yml"],
            "scrape_configs": [{"job_name": "scimgate", "static_configs": [{"targets": targets}]}],
        }
        (directory / "prometheus.yml").write_text(yaml.safe_dump(configuration))
        command = [
            "prometheus",
            "--config.file=prometheus.yml",
            f"--storage.tsdb.path={directory}/data",
            "--web.listen-address=127.0.0.1:0",
        ]
        super().__init__(command, directory / "prometheus.out", cwd=directory)
        self.url = "http://" + self.told(r"address=(127\.0\.0\.1:[1-9]\d*)")
        until(lambda: send(f"{self.url}/-/ready")[0] == 200, what="Prometheus is ready")

    def ask(self, path):
        status, answer = send(f"{self.url}/api/v1/{path}")
        assert status == 200, answer
        return json.loads(answer)["data"]

    def query(self, expression):
        return self.ask("query?query=" + urllib.parse.quote(expression))["result"]

    def names(self) -> set[str]:
        """Of all metrics there are."""
        return set(self.ask("label/__name__/values"))

    def alerts(self) -> set[str]:
        """The names of those that fire."""
        alerts = self.ask("alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}
