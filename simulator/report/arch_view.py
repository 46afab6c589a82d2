"""A design point on a terminal: a tree of its parts with their peak figures, and the guesses behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from simulator.report.numbers import n_bytes, si

PLURALS = {"half": "halves", "guess": "guesses"}


def view(design: Mapping[str, Any]) -> Group:
    """The platform of `design_point.describe`, with ``guesses``: one line each."""
    tree = Tree(Text.assemble((design["name"], "bold"), f"  {design['description']}"), guide_style="dim")
    for name, part in design["components"].items():
        _add_part(tree, name, part)
    policies = f"placement {design['placement']['policy']}, layout {design['layout']}"
    if design["devices"] != 1:
        policies = f"{_deployment(design)}\n{policies}"
    lists = (
        ("guess", design["guesses"]),
        ("assumption", _assumptions(design)),
        ("calibration", [f"{c['name']} = {c['value']}: {c['fitted_to']}" for c in design["calibrations"]]),
    )
    return Group(tree, Text(policies), *(_listed(noun, lines) for noun, lines in lists))


def _deployment(design: Mapping[str, Any]) -> str:
    wanted = design["parallelism"]
    along = [name for name in ("sequence",) if wanted[name] > 1]
    spread = " x ".join(f"{name} {wanted[name]}" for name in ("tensor", *along, "pipeline", "data"))
    spread += f", experts over {wanted['expert']}" if wanted["expert"] > 1 else ""
    stage = f"each {wanted['stage']} a stage that starts {wanted['start'].replace('_', ' ')}"
    devices = "as many as the workload needs" if design["devices"] == "auto" else design["devices"]
    return f"{devices} such devices: {spread}, policy {wanted['policy']}, {stage}".replace(
        "starts refresh", "starts with a refresh"
    )


def _add_part(tree: Tree, name: str, part: Mapping[str, Any]) -> None:
    about = part["description"] or part["kind"]
    branch = tree.add(Text.assemble((name, "bold"), f"  {' '.join(about.split())}"))
    for line in (_peaks(part), _dram(part), _values(part)):
        if line:
            branch.add(Text(line))
    for kernel, instructions in part["values"].get("microkernels", {}).items():
        branch.add(Text(f"microkernel {kernel}: {'; '.join(instructions)}"))
    if part["source"]:
        branch.add(Text(f"source: {' '.join(part['source'].split())}", style="dim"))


def _peaks(part: Mapping[str, Any]) -> str:
    figures = [f"at most {si(rate, 'B/s')} over {hop}" for hop, rate in part.get("bytes_per_s", {}).items()]
    if "flops_per_s" in part:
        figures.append(f"at most {si(part['flops_per_s'], 'FLOP/s')}")
    if "capacity_bytes" in part:
        figures.append(f"{n_bytes(part['capacity_bytes'])} capacity")
    if part["static_power_w"]:
        figures.append(f"{si(part['static_power_w'], 'W')} static power")
    if part["area_mm2"] is not None:
        figures.append(f"{part['area_mm2']:.4g} mm² of silicon")
    return ", ".join(figures)


def _dram(part: Mapping[str, Any]) -> str:
    if "dram" not in part:
        return ""
    dram = part["dram"]
    organization, controller = dram["organization"], dram["controller"]
    levels = " x ".join(f"{count} {PLURALS.get(level, f'{level}s')}" for level, count in organization["levels"].items())
    rate = f"{organization['data_pins']} pins at {organization['data_rate_mbps'] / 1000:g} Gb/s"
    policy = f"{controller['scheduler']}, {controller['page_policy']} page, refresh {controller['refresh']}"
    return (
        f"each channel {dram['name']}: {rate}, {levels}, {organization['rows']} rows of "
        f"{n_bytes(organization['row_bytes'])}, tCK {dram['tCK_ps']} ps, {policy}"
    )


def _values(part: Mapping[str, Any]) -> str:
    shown = {key: value for key, value in part["values"].items() if value is not None and not _nested(value)}
    return ", ".join(f"{key}: {_short(value)}" for key, value in shown.items())


def _nested(value: object) -> bool:
    """Whether a value has keys of its own, and is left to `--json`."""
    return isinstance(value, dict) or (isinstance(value, list | tuple) and any(isinstance(v, dict) for v in value))


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return " and ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _assumptions(design: Mapping[str, Any]) -> list[str]:
    return [*design["assumptions"], *(text for part in design["components"].values() for text in part["assumptions"])]


def _listed(noun: str, lines: Iterable[str]) -> Tree | Text:
    lines = list(lines)
    plural = PLURALS.get(noun, f"{noun}s")
    if not lines:
        return Text(f"no {plural}")
    tree = Tree(f"{len(lines)} {noun if len(lines) == 1 else plural}", guide_style="dim")
    for line in lines:
        tree.add(Text(line))
    return tree
