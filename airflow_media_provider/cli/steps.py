"""``airflow media steps``: what steps there are, what they can be told, and what they give."""

from __future__ import annotations

import inspect
import json
from argparse import Namespace
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from airflow_media_provider.cli.command import ALL_DONE, command
from airflow_media_provider.cli.output import is_object, print_object, print_rows, print_text
from airflow_media_provider.compat import conf
from airflow_media_provider.errors import MediaError
from beam_jobs.contract.errors import StepNotFound
from beam_jobs.contract.schema import artifact_schema
from beam_jobs.contract.step import Step, builtin_steps, load_step

BY_PARAMS = "by params"


@command
def steps(args: Namespace) -> int:
    """List the steps that come with the package, or tell one."""
    if args.step is None:
        if args.schema:
            raise MediaError(
                "--schema is of one step; give its name, e.g. airflow media steps loudness --schema artifact"
            )
        print_rows([_row(load_step(name)) for name in builtin_steps()], args.output)
        return ALL_DONE
    step = _find(args)
    if args.schema:
        print_text([json.dumps(_schema(step, args.schema), indent=1, ensure_ascii=False)])
    elif is_object(args.output):
        schemas = {"params": _schema(step, "params"), "artifact": artifact_schema(step)}
        print_object({**_row(step), "doc": inspect.cleandoc(step.doc), **schemas}, args.output)
    else:
        print_text(_told(step))
    return ALL_DONE


def _find(args: Namespace) -> Step:
    from airflow_media_provider.registry.neighbours import find_steps_beside

    if registry := args.registry or conf.get("media", "registry", fallback=None):
        find_steps_beside(str(registry))
    try:
        return load_step(args.step)
    except StepNotFound as error:
        raise MediaError(str(error)) from error


def _schema(step: Step, which: str) -> dict[str, Any]:
    if which == "params":
        return step.params.model_json_schema()
    schema = artifact_schema(step)
    if schema is None:
        raise MediaError(f"step {step.name!r} publishes no schema: it makes {_suffix(step)}")
    return schema


def _row(step: Step) -> dict[str, Any]:
    takes = ", ".join(takes.name for takes in step.takes)
    lines = inspect.cleandoc(step.doc).splitlines() or [""]
    return {
        "step": step.name, "version": step.version, "takes": takes, "makes": _suffix(step), "what": lines[0],
    }  # fmt: skip


def _suffix(step: Step) -> str:
    """Return what the artifacts end with; with its default parameters where it depends on them."""
    if isinstance(step.makes, str):
        return step.makes
    try:
        return f"{step.suffix(step.parse_params({}))} ({BY_PARAMS})"
    except ValidationError:
        return BY_PARAMS


def _told(step: Step) -> Iterator[str]:
    takes = ", ".join(takes.name for takes in step.takes)
    yield f"{step.name}, version {step.version}: {takes} -> {_suffix(step)}"
    yield ""
    yield inspect.cleandoc(step.doc)
    for title, schema in (("params", step.params.model_json_schema()), ("artifact", artifact_schema(step))):
        if schema and schema.get("properties"):
            yield from ("", f"{title}: {schema.get('description', '')}".rstrip(), "")
            yield from (f"  {line}" for line in _fields(schema, schema))


def _fields(schema: Mapping[str, Any], whole: Mapping[str, Any], under: str = "") -> Iterator[str]:
    """Yield a line per value, nested ones by their path: ``segments[].start_s``."""
    for name, field in schema.get("properties", {}).items():
        kind, inner, path = _kind(field, whole)
        facts = [kind, *(field[fact] for fact in ("unit", "shape") if fact in field)]
        if "default" in field:
            facts.append(f"default {json.dumps(field['default'])}")
        yield f"{under}{name}: {', '.join(facts)}  {field.get('description', '')}".rstrip()
        if inner:
            yield from _fields(inner, whole, f"{under}{name}{path}.")


def _kind(field: Mapping[str, Any], whole: Mapping[str, Any]) -> tuple[str, Mapping[str, Any] | None, str]:
    """Return the type of a value in words, the schema of what it holds, and how to write a path to that."""
    if "$ref" in field:
        found = whole["$defs"][field["$ref"].rpartition("/")[2]]
        kind = _kind(found, whole)[0]
        return kind, found if found.get("properties") else None, ""
    if "anyOf" in field:
        kinds = [_kind(one, whole) for one in field["anyOf"]]
        inner, path = next(((inner, path) for _, inner, path in kinds if inner), (None, ""))
        return " or ".join(kind for kind, _, _ in kinds), inner, path
    if "enum" in field or "const" in field:
        return " | ".join(json.dumps(value) for value in field.get("enum", [field.get("const")])), None, ""
    if field.get("type") == "array":
        kind, inner, path = _kind(field.get("items", {}), whole)
        return f"list of {kind}", inner, f"[]{path}"
    return str(field.get("type", "any")), None, ""
