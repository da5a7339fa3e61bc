# SPDX-License-Identifier: BSD-2-Clause
"""tests/data/rfc8460.schema.json as a judge of what the reporter writes.

    if has_jsonschema():
        schema_errors(strict_json(text))      # [] or ["policies/0/summary: ...", ...]

Needs Debian's python3-jsonschema, or the package jsonschema of the interpreter that runs.
"""

import json
import pathlib

try:
    import jsonschema
except ImportError:
    jsonschema = None

SCHEMA = pathlib.Path(__file__).resolve().parents[1] / "data" / "rfc8460.schema.json"


def has_jsonschema():
    return hasattr(jsonschema, "Draft202012Validator")


def _members(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError(f"member twice: {names}")  # R48
    return dict(pairs)


def _refuse(text):
    raise ValueError(f"no integer: {text}")  # R83: also not 1.0 or 1e3


def strict_json(data):
    """The value of I-JSON bytes; ValueError for what RFC 7493 does not allow (R46-R48)."""
    if data[:1] != b"{":
        raise ValueError("begins with something else than an object")
    return json.loads(data.decode("utf-8"), object_pairs_hook=_members, parse_float=_refuse,
                      parse_constant=_refuse)


def schema_errors(report):
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    return sorted("/".join(map(str, error.absolute_path)) + ": " + error.message[:200]
                  for error in validator.iter_errors(report))
