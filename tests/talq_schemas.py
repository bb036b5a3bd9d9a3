"""TALQ's own OpenAPI as a judge of what either side sends.

The published schemas leave nearly everything open: base types stand for all that descends from them, and no object forbids properties. Here
they are read strictly: a value of a base type must be one of its descendants, by its discriminator, and has no property that they lack.
"""

import gzip
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import FormatChecker
from openapi_schema_validator import OAS30Validator

_FOLDER = Path(__file__).parents[2] / "shared" / "formats" / "talq"
_FILE = "talq-{}-2-7-1-online.json.gz"
_MODEL = "data-model"
_SHOWN = re.compile(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d")
_DISCRIMINATED = (
    "LogData",
    "ControlProgram",
    "State",
    "Attribute",
    "Function",
    "ActivePeriod",
    "Service",
    "RecordingMode",
    "ReportingMode",
)

needed = pytest.mark.skipif(
    not _FOLDER.is_dir(),
    reason="TALQ's OpenAPI is not there: put talq-{data-model,api-cms,api-gateway}-2-7-1-online.json.gz into ../shared/formats/talq",
)
"""Marks tests that need the schemas."""

_formats = FormatChecker()
for _name in ("date", "uuid", "date-time"):
    _formats.checkers[_name] = OAS30Validator.FORMAT_CHECKER.checkers.get(_name) or FormatChecker.checkers[_name]


@_formats.checks("time")
def _shows_seconds(value: object) -> bool:
    # The descriptions ask for hh:mm:ss in local time, which RFC 3339 has no word for.
    return not isinstance(value, str) or _SHOWN.fullmatch(value) is not None


def present() -> bool:
    """Tell whether the schemas are there."""
    return _FOLDER.is_dir()


class Api:
    """One of the two APIs."""

    def __init__(self, name: str) -> None:
        self._paths: dict[str, Any] = _load(f"api-{name}")["paths"]

    def check_request(self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: Any) -> None:
        """Fail unless the API has the operation, and the request has its parameters and a body of its schema."""
        operation, names = self._operation(method, path)
        for parameter in operation["parameters"]:
            where = {"query": query, "header": headers, "path": names}[parameter["in"]]
            value = where.get(parameter["name"])
            assert value is not None or not parameter.get("required", False), f"{method} {path} lacks {parameter['name']}"
            if value is not None and parameter["schema"]["type"] == "string":
                check(parameter["schema"], value)
        unknown = set(query) - {parameter["name"] for parameter in operation["parameters"]}
        assert not unknown, f"{method} {path} has no parameter {unknown}"
        wanted = operation.get("requestBody")
        assert (wanted is None) == (body is None), f"{method} {path}: body where none should be, or none"
        if wanted is not None:
            check(wanted["content"]["application/json"]["schema"], body)

    def check_response(self, method: str, path: str, status: int, body: Any) -> None:
        """Fail unless the operation may answer so."""
        operation, _ = self._operation(method, path)
        assert str(status) in operation["responses"], f"{method} {path} never answers {status}"
        content = operation["responses"][str(status)].get("content")
        if content is None:
            assert body is None, f"{method} {path} answers {status} without a body"
        else:
            check(content["application/json"]["schema"], body)

    def _operation(self, method: str, path: str) -> tuple[dict[str, Any], dict[str, str]]:
        parts = path.strip("/").split("/")
        # What is spelled out goes before what is a parameter.
        for template in sorted(self._paths, key=lambda one: one.count("{")):
            wanted = template.strip("/").split("/")
            if len(wanted) == len(parts) and all(w.startswith("{") or w == p for w, p in zip(wanted, parts, strict=True)):
                operation = self._paths[template].get(method.lower())
                if operation is not None:
                    return operation, {w[1:-1]: p for w, p in zip(wanted, parts, strict=True) if w.startswith("{")}
        raise AssertionError(f"the API has no {method} {path}")


def check(schema: Any, value: Any) -> None:
    """Fail unless a value is of a schema, read strictly; say every reason."""
    judge = _judge()
    reference = {"components": judge["components"], "allOf": [_strict(schema)]}
    errors = [f"{error.json_path}: {error.message}" for error in OAS30Validator(reference, format_checker=_formats).iter_errors(value)]
    assert not errors, "\n".join(errors[:5])


def check_as(name: str, value: Any) -> None:
    """Fail unless a value is of a schema of the data model."""
    check({"$ref": f"#/components/schemas/{name}"}, value)


@cache
def _load(name: str) -> dict[str, Any]:
    return json.loads(gzip.decompress((_FOLDER / _FILE.format(name)).read_bytes()))


@cache
def _schemas() -> dict[str, Any]:
    return _load(_MODEL)["components"]["schemas"]


@cache
def _judge() -> dict[str, Any]:
    """Return the data model with every schema made strict."""
    found: dict[str, Any] = {}
    for name in _schemas():
        found[name] = _strict(_merged(name))
        if name in _DISCRIMINATED:
            kinds = [one for one in _schemas() if name in _ancestors(one)]
            found[f"{name}-any"] = {"anyOf": [_kind(name, one) for one in kinds]}
    return {"components": {"schemas": found}}


def _kind(base: str, name: str) -> dict[str, Any]:
    key = _schemas()[base]["discriminator"]["propertyName"]
    return {
        "allOf": [
            {"$ref": f"#/components/schemas/{name}"},
            {"type": "object", "required": [key], "properties": {key: {"enum": [name]}}},
        ]
    }


def _name_in(schema: Any) -> str | None:
    return schema["$ref"].rsplit("/", 1)[-1] if "$ref" in schema else None


def _ancestors(name: str) -> set[str]:
    parents = [_name_in(part) for part in _schemas()[name].get("allOf", ())]
    return {one for parent in parents if parent for one in ({parent} | _ancestors(parent))}


def _merged(name: str) -> dict[str, Any]:
    """Return a schema with all that it descends from in one object."""
    schema = _schemas()[name]
    if "allOf" not in schema:
        return schema
    merged: dict[str, Any] = {"type": "object", "required": [], "properties": {}}
    for part in schema["allOf"]:
        reference = _name_in(part)
        one = _merged(reference) if reference else part
        merged["required"] = [*merged["required"], *one.get("required", ())]
        for key, value in one.get("properties", {}).items():
            merged["properties"][key] = merged["properties"].get(key, {}) | value
    if not merged["required"]:
        del merged["required"]
    return merged


def _strict(schema: Any) -> Any:
    """Return a schema whose base types are their descendants, and whose objects have no further properties."""
    if not isinstance(schema, dict):
        return schema
    reference = _name_in(schema)
    if reference:
        return {"$ref": f"#/components/schemas/{reference}{'-any' if reference in _DISCRIMINATED else ''}"}
    found = {
        key: value for key, value in schema.items() if key not in ("description", "discriminator", "default") and not key.startswith("x-")
    }
    for key in ("allOf", "anyOf", "oneOf"):
        if key in found:
            # Parts without properties only describe.
            found[key] = [
                _strict(part)
                for part in found[key]
                if "$ref" in part or "properties" in part or ("type" in part and part["type"] != "object")
            ]
    if "items" in found:
        found["items"] = _strict(found["items"])
    if "properties" in found:
        found["properties"] = {key: _strict(value) for key, value in found["properties"].items()}
        found["additionalProperties"] = False
    return found
