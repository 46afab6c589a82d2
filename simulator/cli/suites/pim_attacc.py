"""AttAcc's tables as cases of suite `pim`, with its simulator's assumptions (`compat.attacc`).

Three kinds: runs named by the options of its ``main.py`` with what it printed (`RUN_HEADS`), the ``output.csv`` that it
writes (`OUTPUT_HEADS`), and cycles of attention on one stack as its ``ramulator.out`` lists them (`CYCLE_HEADS`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from simulator.cli.suites.pim_target import PimCase, Target
from simulator.errors import ConfigError

Row = Mapping[str, str]

RUN_HEADS = frozenset({"system", "model", "batch", "lin", "lout"})
OUTPUT_HEADS = frozenset({"model", "hw", "Lin", "Lout", "bs", "g_time (ms)"})
CYCLE_HEADS = frozenset({"L", "nhead", "dhead", "pim_type", "cycle"})

MODELS = {"GPT-175B": "attacc_gpt3_175b", "LLAMA-65B": "attacc_llama_65b"}
LEVELS = {
    "bank": "bank", "ba": "bank", "bg": "bankgroup", "bankgroup": "bankgroup", "buffer": "buffer", "none": "none",
    "": "none", "-": "none",
}  # fmt: skip
GPUS = {"A100a": "dgx_a100_hbm3", "H100": "dgx_h100"}
H100_FLOPS_PER_BYTE = 200
"""Between the two GPUs: ``sys_opb`` of ``output.csv`` is 93 for A100a and 295 for H100."""

SCENARIO = "llama2_7b_512_64"
ATTENTION = "attention"
"""In place of a workload: attention of one step on one stack, with ``L``, ``heads``, ``head_dim`` and ``bytes``."""

SPEED_LIMIT_PCT, ENERGY_LIMIT_PCT, CYCLES_LIMIT_PCT = 15.0, 15.0, 10.0
STEPS_SIMULATED = 16
"""Decode steps of a long run that are simulated; between them figures are close to linear in the context."""


@dataclass(frozen=True)
class Run:
    """One run of AttAcc's simulator: what it was asked, ``figures`` by metric, and where that was written."""

    gpu: str
    devices: int
    level: str
    options: tuple[tuple[str, bool], ...]
    model: str
    word: int
    batch: int
    lin: int
    lout: int
    figures: tuple[tuple[str, float], ...]
    line: int

    @property
    def task(self) -> tuple[object, ...]:
        """What runs with equal tasks have in common, whatever ran it."""
        return (self.gpu, self.model, self.word, self.batch, self.lin, self.lout)

    @property
    def name(self) -> str:
        """For people."""
        hardware = f"{self.devices} {self.gpu}" + (f" + {self.level}" if self.level != "none" else "")
        options = self.options if self.level != "none" else ()
        chosen = " ".join(key if on else f"no {key}" for key, on in options if on != (key == "power_limit"))
        width = "" if self.word == 2 else " int8"
        return f"{self.model}{width} batch {self.batch} {self.lin}/{self.lout} on {hardware} {chosen}".strip()

    @property
    def target(self) -> Target:
        """Its run here."""
        base = GPUS[self.gpu]
        arch = base if self.level == "none" else f"attacc_{self.level}"
        overrides = ["compat.attacc=true", *(f"compat.{key}={str(on).lower()}" for key, on in self.options)]
        if self.devices != 8:
            overrides += [f"devices.count={self.devices}", f"parallelism.tensor={self.devices}"]
        every = max(1, (self.lout - 1) // STEPS_SIMULATED)
        overrides += [
            f"model={MODELS[self.model]}", f"batch={self.batch}", f"prompt_tokens={self.lin}",
            f"output_tokens={self.lout}", f"sample_every={every}",
        ]  # fmt: skip
        if self.word == 1:
            overrides += [f"precision.{part}=int8" for part in ("weights", "activations", "kv_cache")]
        return Target(arch, SCENARIO, tuple(overrides))


def table_kind(heads: Sequence[str]) -> Callable[[Sequence[tuple[int, Row]], str], Iterator[PimCase]] | None:
    """What reads a table with these columns; None: it is not AttAcc's."""
    for wanted, reader in ((OUTPUT_HEADS, _output_cases), (CYCLE_HEADS, _cycle_cases), (RUN_HEADS, _run_cases)):
        if set(heads) >= wanted:
            return reader
    return None


def _run_cases(rows: Sequence[tuple[int, Row]], file: str) -> Iterator[PimCase]:
    yield from _cases([_read(partial(_run, row, line), file, line) for line, row in rows], file)


def _output_cases(rows: Sequence[tuple[int, Row]], file: str) -> Iterator[PimCase]:
    yield from _cases([_read(partial(_output, row, line), file, line) for line, row in rows], file)


def _read(make: Callable[[], Any], file: str, line: int) -> Any:
    """Raises ConfigError for a row that is none of the table."""
    try:
        return make()
    except (KeyError, ValueError) as error:
        raise ConfigError(f"no row of AttAcc's tables: {error}", file=file, line=line) from error


def _cases(runs: Sequence[Run], file: str) -> Iterator[PimCase]:
    """Each figure of each run, and its speed over that of the GPUs alone where the table has both."""
    baselines = {run.task: run for run in runs if run.level == "none" and run.devices == 8}
    for run in runs:
        for metric, value in run.figures:
            limit = ENERGY_LIMIT_PCT if metric == "energy_per_token_j" else SPEED_LIMIT_PCT
            yield _case(run, metric, value, limit, file)
        baseline = baselines.get(run.task)
        if baseline is not None and run.level != "none":
            ours, theirs = (dict(some.figures)["tokens_per_s"] for some in (run, baseline))
            yield _case(run, "tokens_per_s", ours / theirs, SPEED_LIMIT_PCT, file, baseline.target)


def _case(  # noqa: PLR0913 - a run, a figure of it, and against what
    run: Run, metric: str, expected: float, limit_pct: float, file: str, baseline: Target | None = None
) -> PimCase:
    return PimCase(
        case=f"{run.name}: {'speed-up' if baseline else metric}",
        target=run.target,
        baseline=baseline,
        metric=metric,
        expected=expected,
        limit_pct=limit_pct,
        kind="compat",
        source=f"AttAcc (ASPLOS 2024) simulator at c600051, {Path(file).name}",
        file=file,
        line=run.line,
    )


def _run(row: Row, line: int) -> Run:
    """A row by the options of ``main.py``. Raises KeyError, ValueError."""
    batch = int(row["batch"])
    level = LEVELS[(row.get("pim") or "").strip().lower()]
    tokens_per_s, step_j = row.get("tokens_per_s"), row.get("joules_per_step")
    figures = {
        "tokens_per_s": float(tokens_per_s) if tokens_per_s else 1e3 * batch / float(row["ms"]),
        "energy_per_token_j": float(step_j) / batch if step_j else None,
    }
    on_pim = (row["system"].strip() == "dgx-attacc") == (level != "none")
    if not on_pim or row["system"].strip() not in ("dgx", "dgx-attacc"):
        raise ValueError(f"system '{row['system']}' with pim '{row.get('pim')}'")
    return Run(
        gpu=_known(GPUS, (row.get("gpu") or "A100a").strip()),
        devices=int(row.get("ngpu") or 8),
        level=level,
        options=_options(row, "powerlimit", "ffopt", "pipeopt", "cached"),
        model=_known(MODELS, row["model"].strip()),
        word=int(row.get("word") or 2),
        batch=batch,
        lin=int(row["lin"]),
        lout=int(row["lout"]),
        figures=tuple((name, value) for name, value in figures.items() if value is not None),
        line=line,
    )


def _output(row: Row, line: int) -> Run:
    """A row of ``output.csv``. Raises KeyError, ValueError."""
    batch, step_s = int(row["bs"]), float(row["g_time (ms)"]) / 1e3
    figures = [("tokens_per_s", batch / step_s)]
    if row.get("g_energy (nJ)"):
        figures.append(("energy_per_token_j", float(row["g_energy (nJ)"]) * 1e-9 / batch))
    return Run(
        gpu="H100" if float(row.get("sys_opb") or 0) > H100_FLOPS_PER_BYTE else "A100a",
        devices=int(row.get("cores") or 8),
        level=LEVELS[row["hw"].strip().lower()],
        options=_options(row, "power constraint", "is parallel", "pipe_level", "cached"),
        model=_known(MODELS, row["model"].strip()),
        word=1 if row.get("dtype", "").startswith("W8") else 2,
        batch=batch,
        lin=int(row["Lin"]),
        lout=int(row["Lout"]),
        figures=tuple(figures),
        line=line,
    )


def _options(row: Row, limit: str, ffopt: str, pipeopt: str, cached: str) -> tuple[tuple[str, bool], ...]:
    heads = {"power_limit": limit, "ffopt": ffopt, "pipeopt": pipeopt, "cached": cached}
    return tuple((key, _is_on(row.get(head))) for key, head in heads.items())


def _is_on(text: str | None) -> bool:
    found = (text or "").strip().lower()
    if found not in ("", "0", "1", "true", "false", "yes", "no"):
        raise ValueError(f"'{text}' is neither on nor off")
    return found in ("1", "true", "yes")


def _known(table: Mapping[str, str], name: str) -> str:
    if name not in table:
        raise ValueError(f"there is no '{name}' (known: {', '.join(table)})")
    return name


def _cycle_cases(rows: Sequence[tuple[int, Row]], file: str) -> Iterator[PimCase]:
    for line, row in rows:
        yield _read(partial(_cycle_case, row, file, line), file, line)


def _cycle_case(row: Row, file: str, line: int) -> PimCase:
    level = LEVELS[row["pim_type"].strip().lower()]
    limited = _is_on(row.get("power_constraint"))
    context, heads, head_dim, width = int(row["L"]), int(row["nhead"]), int(row["dhead"]), int(row.get("dbyte") or 2)
    overrides = (
        f"compat.power_limit={str(limited).lower()}", f"L={context}", f"heads={heads}", f"head_dim={head_dim}",
        f"bytes={width}",
    )  # fmt: skip
    return PimCase(
        case=f"attention at {level}, {heads} heads, {context} tokens{'' if limited else ', no power limit'}: cycles",
        target=Target(f"attacc_{level}", ATTENTION, overrides),
        baseline=None,
        metric="cycles",
        expected=float(row["cycle"]),
        limit_pct=CYCLES_LIMIT_PCT,
        kind="compat",
        source=f"AttAcc (ASPLOS 2024) simulator at c600051, {Path(file).name}",
        file=file,
        line=line,
    )


def attention(target: Target) -> dict[str, Any]:
    """Cycles and commands of one stack for a target of a table of cycles."""
    from simulator import api
    from simulator.config.compat_schema import AttaccArtifact
    from simulator.system.attacc_artifact.units import Units

    sizes = dict(text.split("=") for text in target.overrides if not text.startswith("compat."))
    arch = api.load_arch(target.arch, [text for text in target.overrides if text.startswith("compat.")])
    artifact = arch.spec.compat
    assert isinstance(artifact, AttaccArtifact)
    units = Units(artifact, int(sizes["head_dim"]), int(sizes["bytes"]))
    run = units.run(int(sizes["heads"]), int(sizes["L"]))
    return {"cycles": run.cycles, "commands": run.commands}
