"""Rendering charts with the real helm."""

import shutil
import subprocess
from pathlib import Path

import yaml

HELM = Path(__file__).resolve().parents[2] / "deploy" / "helm"
CHARTS = ["scimgate", "example-vendor"]
# What the application chart cannot do without.
REGISTRY = ["--set", "image.registry=registry.example"]


def build(work: Path) -> Path:
    """A copy of the charts with their dependencies in place."""
    charts = work / "helm"
    shutil.copytree(HELM, charts, ignore=shutil.ignore_patterns("charts", "Chart.lock"))
    for chart in CHARTS:
        helm("dependency", "build", str(charts / chart))
    return charts


def helm(*arguments: str) -> str:
    done = subprocess.run(["helm", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise RefusedByHelm(done.stderr)
    return done.stdout


class RefusedByHelm(Exception):
    """helm's words."""


def render(chart: Path, *arguments: str) -> str:
    return helm("template", "r", str(chart), "--namespace", "scim", *arguments)


def notes(chart: Path, *arguments: str) -> str:
    """What `helm install` prints at its end. It wants a cluster for that, so here an object holds it."""
    file = chart / "templates" / "notes-of-a-test.yaml"
    text = (chart / "templates" / "NOTES.txt").read_text()
    about = "kind: Notes\nmetadata: {name: notes}\n"
    file.write_text(f'{{{{- define "notes" }}}}{text}{{{{ end }}}}\n{about}text: {{{{ include "notes" . | toJson }}}}\n')
    try:
        (found,) = [it for it in documents(render(chart, *arguments)) if it["kind"] == "Notes"]
    finally:
        file.unlink()
    return found["text"]


def documents(text: str) -> list[dict]:
    return [document for document in yaml.safe_load_all(text) if document]


def pods(documents: list[dict]):
    """Name and spec of every pod that the documents make."""
    for document in documents:
        name = f"{document['kind']}/{document['metadata']['name']}"
        if document["kind"] == "Pod":
            yield name, document["spec"]
        elif "template" in document.get("spec", {}):
            yield name, document["spec"]["template"]["spec"]


def cases() -> list[tuple[str, str | None]]:
    """Every chart with each of its values files."""
    found = [
        ("scimgate", str(path.relative_to(HELM)))
        for path in sorted((HELM / "scimgate" / "ci").glob("*-values.yaml"))
    ]
    return [*found, ("example-vendor", None)]
