"""Every value is described, judged and used."""

import copy
import json
import os
from concurrent.futures import ThreadPoolExecutor

import jsonschema
import pytest
import yaml

from charts import HELM, RefusedByHelm, build, render
from values import SOURCE, generated, leaves, read, shared

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


@pytest.fixture(scope="module")
def sidecars():
    """Paths of the values that the sidecar has too."""
    return {it.path for it in leaves(shared(read(SOURCE.read_text().splitlines())))}


def of_a_sidecar(case, paths):
    """What of `case` is at `paths`, with a store that a sidecar can have."""
    kept = {}
    for path in paths:
        there, place = case, kept
        for name in path:
            there = there.get(name) if isinstance(there, dict) else None
        if there is None:
            continue
        for name in path[:-1]:
            place = place.setdefault(name, {})
        place[path[-1]] = copy.deepcopy(there)
    store = kept.setdefault("store", {})
    if not store.get("ephemeral") and store.get("type") != "postgres":
        store.setdefault("existingClaim", "claim")
    return kept


def without(case, path):
    """`case` without the value at `path`; nothing if it has none."""
    kept = copy.deepcopy(case)
    at = kept
    for name in path[:-1]:
        at = at.get(name, {})
    if not isinstance(at, dict) or path[-1] not in at:
        return None
    del at[path[-1]]
    return kept


@pytest.mark.parametrize("chart", ["scimgate", "example-vendor"])
def test_every_value_changes_what_is_rendered(charts, values, sidecars, tmp_path, chart):
    """Takes each value out of each file in `ci`: what is rendered must be another, or be refused. A
    product's chart is given what the sidecar has too, under the dependency's alias."""
    if chart != "scimgate":
        # Its own would hide what is taken out.
        product = charts / chart / "values.yaml"
        product.write_text(yaml.safe_dump(yaml.safe_load(product.read_text()) | {"scim": {}}))

    def rendered(name, case):
        if chart != "scimgate":
            own = {key: it for key, it in case.items() if key != "global"}
            case = {"scim": own, "global": case.get("global", {})}
        file = tmp_path / f"{name}.yaml"
        file.write_text(yaml.safe_dump(case))
        return render(charts / chart, "-f", str(file))

    def is_used(number, case, path, whole):
        kept = without(case, path)
        if kept is None:
            return False
        try:
            return rendered(f"{number}.{'.'.join(path)}", kept) != whole
        except RefusedByHelm:
            return True

    unused = {it.path for it in values} if chart == "scimgate" else set(sidecars)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, file in enumerate(CASES):
            case = yaml.safe_load(file.read_text()) or {}
            if chart != "scimgate":
                case = of_a_sidecar(case, sidecars)
            whole = rendered(number, case)
            left = sorted(unused)
            used = pool.map(lambda path: is_used(number, case, path, whole), left)
            unused -= {path for path, is_one in zip(left, used) if is_one}
    assert sorted(unused) == []
