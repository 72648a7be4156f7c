"""What is made from the comments in `deploy/helm/scimgate/values.yaml`: both charts' schemas, the
tables in their READMEs, and the sidecar's values.yaml."""

import json
import re
from dataclasses import dataclass, field

import yaml

from charts import HELM

SOURCE = HELM / "scimgate" / "values.yaml"
ALL_BELOW = "# @standalone: everything below"
KEY = re.compile(r"^( *)([A-Za-z]\w*):")
# Other charts below the same parent have globals of their own.
OPEN = {"global"}


@dataclass
class Value:
    """A key with its comment, from line `begin` (the comment's first) to before `end`."""

    path: tuple
    default: object
    text: str
    schema: dict
    standalone: bool
    begin: int
    end: int = 0
    below: list = field(default_factory=list)


def read(lines: list[str]) -> list[Value]:
    """All values, as a tree."""
    defaults = yaml.safe_load("\n".join(lines))
    roots, open_, comment, free_below = [], [], [], None
    standalone = False
    for number, line in enumerate(lines):
        if line.startswith(ALL_BELOW):
            standalone = True
        if line.lstrip().startswith("#"):
            comment.append((number, line.strip().removeprefix("#").strip()))
            continue
        found = KEY.match(line)
        if not found or (free_below is not None and len(found[1]) > free_below):
            comment = []
            continue
        depth = len(found[1]) // 2
        while len(open_) > depth:
            open_.pop().end = end_before(lines, number - len(comment))
        path = (*(it.path[-1] for it in open_), found[2])
        value = described(path, defaults, comment, number)
        value.standalone |= standalone or any(it.standalone for it in open_)
        (open_[-1].below if open_ else roots).append(value)
        open_.append(value)
        free_below = None if descends(value) else len(found[1])
        comment = []
    for value in open_:
        value.end = len(lines)
    return roots


def end_before(lines, number) -> int:
    """Where what ends before a line ends, without the empty lines between."""
    while number and not lines[number - 1].strip():
        number -= 1
    return number


def described(path, defaults, comment, number) -> Value:
    default = defaults
    for name in path:
        default = default[name]
    words, schema, standalone = [], {}, False
    for _, line in comment:
        if line.startswith("@schema "):
            schema |= yaml.safe_load(line.removeprefix("@schema "))
        elif line == "@standalone":
            standalone = True
        elif line.startswith("-- "):
            words = [line.removeprefix("-- ")]
        elif words and line:
            words.append(line)
    begin = comment[0][0] if comment else number
    return Value(path, default, " ".join(words), schema, standalone, begin)


def descends(value: Value) -> bool:
    return isinstance(value.default, dict) and bool(value.default) and "free" not in value.schema


def schema_of(value: Value, config: dict) -> dict:
    own = {key: it for key, it in value.schema.items() if key not in ("free", "config")}
    about = {"description": value.text} if value.text else {}
    if "config" in value.schema:
        return config
    if value.below:
        properties = {it.path[-1]: schema_of(it, config) for it in value.below}
        strict = {} if value.path[-1] in OPEN else {"additionalProperties": False}
        return {"type": "object", **about, **strict, "properties": properties}
    kinds = {str: "string", bool: "boolean", int: "integer", list: "array", dict: "object"}
    kind = {"type": kinds[type(value.default)]} if value.default is not None else {}
    return {**about, **kind, **own}


def schema(values: list[Value], chart: str, config: dict) -> str:
    properties = {it.path[-1]: schema_of(it, config) for it in values}
    if chart == "scimgate":
        about = "The library's own defaults, which helm puts here. Not used: set the values above it."
        properties["scimgate-sidecar"] = {"type": "object", "description": about}
    whole = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"Values of the {chart} chart",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def table(values: list[Value]) -> str:
    rows = ["| value | default | meaning |", "|---|---|---|"]
    for value in leaves(values):
        default = json.dumps(value.default, ensure_ascii=False).replace("|", "\\|")
        text = value.text.replace("|", "\\|")
        rows.append(f"| `{'.'.join(value.path)}` | `{default}` | {text} |")
    return "\n".join(rows) + "\n"


def leaves(values: list[Value]):
    for value in values:
        if value.below:
            yield from leaves(value.below)
        else:
            yield value


def shared(values: list[Value]) -> list[Value]:
    """Those that the sidecar has too."""
    kept = [it for it in values if not it.standalone]
    for value in kept:
        value.below = shared(value.below)
    return kept


def sidecars_text(lines: list[str], values: list[Value]) -> str:
    """The lines of the values that the sidecar has, in their order."""
    dropped = set()

    def drop(values):
        for value in values:
            if value.standalone:
                dropped.update(range(value.begin, value.end))
            drop(value.below)

    drop(values)
    end = next(number for number, line in enumerate(lines) if line.startswith(ALL_BELOW))
    begin = values[0].begin
    kept = [line for number, line in enumerate(lines[:end]) if number >= begin and number not in dropped]
    head = [
        "# What a chart that depends on this one may set under the dependency's name or alias.",
        "# Made from ../scimgate/values.yaml, whose first lines say how.",
        "",
    ]
    return "\n".join([*head, *kept]).rstrip() + "\n"


def with_table(readme: str, values: list[Value]) -> str:
    """A README with its table made again."""
    begin, end = "<!-- table of values, made from values.yaml -->\n", "<!-- end of the table -->"
    before, rest = readme.split(begin)
    return before + begin + table(values) + end + rest.split(end, 1)[1]


def generated() -> dict:
    """Every generated file with what should stand in it."""
    lines = SOURCE.read_text().splitlines()
    config = json.loads((HELM / "scimgate" / "values.schema.json").read_text())["properties"]["config"]
    whole = read(lines)
    sidecar = sidecars_text(lines, whole)
    own, library = HELM / "scimgate", HELM / "scimgate-sidecar"
    files = {
        own / "values.schema.json": schema(whole, "scimgate", config),
        own / "README.md": with_table((own / "README.md").read_text(), whole),
        library / "values.yaml": sidecar,
    }
    whole = shared(whole)
    files[library / "values.schema.json"] = schema(whole, "scimgate-sidecar", config)
    files[library / "README.md"] = with_table((library / "README.md").read_text(), whole)
    return files
