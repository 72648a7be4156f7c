"""Every value is described, judged and used."""

import copy
import json
import os
from concurrent.futures import ThreadPoolExecutor

import jsonschema
import pytest
import yaml

from charts import HELM, build, render
from values import SOURCE, generated, leaves, read

CASES = sorted((HELM / "scimgate" / "ci").glob("*-values.yaml"))


@pytest.fixture(scope="module")
def charts(tmp_path_factory):
    return build(tmp_path_factory.mktemp("values"))


@pytest.fixture(scope="module")
def values():
    return list(leaves(read(SOURCE.read_text().splitlines())))


@pytest.mark.parametrize("path", generated(), ids=lambda path: str(path.relative_to(HELM)))
def test_what_is_generated_from_the_values_is_current(path):
    """UPDATE_EXPECT=1 writes it."""
    text = generated()[path]
    if os.environ.get("UPDATE_EXPECT"):
        path.write_text(text)
    assert path.read_text() == text


def test_every_value_is_described(values):
    assert [it.path for it in values if not it.text] == []


@pytest.mark.parametrize("chart", ["scimgate", "scimgate-sidecar"])
def test_the_schema_is_one_and_takes_the_defaults(chart):
    schema = json.loads((HELM / chart / "values.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load((HELM / chart / "values.yaml").read_text()), schema)


def test_every_value_changes_what_is_rendered(charts, values, tmp_path):
    """Takes each value out of each file in `ci`: what is rendered must be another, or be refused."""

    def without(case, path):
        kept = copy.deepcopy(case)
        at = kept
        for name in path[:-1]:
            at = at.get(name, {})
        if not isinstance(at, dict) or path[-1] not in at:
            return None
        del at[path[-1]]
        return kept

    def is_used(number, case, path, whole):
        kept = without(case, path)
        if kept is None:
            return False
        file = tmp_path / f"{number}.{'.'.join(path)}.yaml"
        file.write_text(yaml.safe_dump(kept))
        return rendered(charts, file) != whole

    def rendered(charts, file):
        try:
            return render(charts / "scimgate", "-f", str(file))
        except Exception as refused:
            return str(refused)

    unused = {it.path for it in values}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, file in enumerate(CASES):
            case = yaml.safe_load(file.read_text()) or {}
            whole = render(charts / "scimgate", "-f", str(file))
            left = sorted(unused)
            used = pool.map(lambda path: is_used(number, case, path, whole), left)
            unused -= {path for path, is_one in zip(left, used) if is_one}
    assert sorted(unused) == []
