"""CENT's own result tables as cases of suite `pim`, with the artifact's assumptions (`compat.cent`).

``simulation_results.csv``: a row for each context; ``processed_results.csv``: means over a phase.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from simulator.cli.suites.pim_target import PimCase, Target
from simulator.errors import ConfigError

Row = Mapping[str, str]

HEADS = frozenset({"Model", "Device number", "Pipeline parallelism", "Tensor parallelism"})
"""Columns that both tables have, and nothing else."""

MODELS = {"Llama2-7B": ("llama2_7b", 32), "Llama2-13B": ("llama2_13b", 40), "Llama2-70B": ("llama2_70b", 80)}
"""CENT's name -> the model's name here and its blocks."""

SCENARIO = "llama2_7b_512_64"
POSITIONS = 4096
"""Of Llama 2: longer contexts of the tables are left out."""

PROMPT = 512
MJ, MS = 1e-3, 1e-3
LIMIT_PCT, BLOCK_LIMIT_PCT = 1.0, 0.5

PHASES = {"prefill": (1, PROMPT - 1), "decoding": (PROMPT, None), "end2end": (1, None)}
"""Phase -> (prompt, output tokens) whose decode steps are those of the phase; None: up to the row's length."""


def cent_cases(row: Row, file: str, line: int) -> Iterator[PimCase]:
    """The cases of one row. Raises ConfigError for a model or a number that is none."""
    try:
        name, layers = MODELS[row["Model"]]
    except KeyError:
        known = ", ".join(MODELS)
        raise ConfigError(f"Model: there is no '{row['Model']}' (known: {known})", file=file, line=line) from None
    try:
        overrides = _deployment(row, layers)
        figures = list(_figures(row, layers))
    except (KeyError, ValueError) as error:
        raise ConfigError(f"no row of CENT's tables: {error}", file=file, line=line) from error
    spread = f"pp{row['Pipeline parallelism']} tp{row['Tensor parallelism']}"
    for what, tokens, metric, expected, limit in figures:
        yield PimCase(
            case=f"{row['Model']} {row['Device number']}dev {spread} {what}",
            target=Target("cent_8dev", SCENARIO, (f"model={name}", *overrides, *tokens)),
            baseline=None,
            metric=metric,
            expected=expected,
            limit_pct=limit,
            kind="compat",
            source=f"CENT (ASPLOS 2025) artifact, {Path(file).name}",
            file=file,
            line=line,
        )


def _deployment(row: Row, layers: int) -> tuple[str, ...]:
    devices, pipeline, tensor = (
        int(row[head]) for head in ("Device number", "Pipeline parallelism", "Tensor parallelism")
    )
    overrides = ["compat.cent=true", f"devices.count={devices}"]
    if pipeline == layers and tensor == 1:
        overrides.append(f"parallelism.pipeline={devices}")
    else:
        overrides += [
            "parallelism.stage=device", f"parallelism.pipeline={pipeline}", f"parallelism.tensor={tensor}",
        ]  # fmt: skip
    return tuple(overrides)


def _figures(row: Row, layers: int) -> Iterator[tuple[str, tuple[str, ...], str, float, float]]:
    """(what, workload overrides, metric, expected, limit) of a row."""
    if "Phase" in row:
        prompt, output = PHASES[row["Phase"]]
        output = int(row["Seqlen"]) - prompt if output is None else output
        tokens = (f"prompt_tokens={prompt}", f"output_tokens={output}")
        energy, power = float(row["Energy per Token (mJ)"]), float(row["Total power (W)"])
        what = row["Phase"]
    else:
        context = int(row["Sequence length"])
        if context > POSITIONS:
            return
        tokens = (f"prompt_tokens={context - 1}", "output_tokens=1")
        energy, power = float(row["Token energy (mJ)"]), float(row["Total power (W)"])
        what = f"at {context}"
        block_s = float(row["PIM latency"]) * layers * MS
        yield f"{what} blocks", tokens, "time_by_op_kind_s.decode.near_bank", block_s, BLOCK_LIMIT_PCT
    yield f"{what} tokens/s", tokens, "tokens_per_s", float(row["Throughput (tokens/s)"]), LIMIT_PCT
    yield f"{what} energy", tokens, "energy_per_token_j", energy * MJ, LIMIT_PCT
    yield f"{what} power", tokens, "power_w", power, LIMIT_PCT
