"""The runs of a comparison: platforms x workloads x methods x batch sizes, each with its name and command."""

from __future__ import annotations

import argparse
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from simulator.errors import ConfigError

NEXT_PAIR = re.compile(r",(?=\s*[A-Za-z_][\w.]*=)")
"""The comma between two overrides, as against one inside a value."""


@dataclass(frozen=True)
class Method:
    """A way to run a model: a name and the overrides that make it."""

    name: str
    overrides: tuple[str, ...]


PLAIN = Method("", ())


@dataclass(frozen=True)
class Job:
    """One run to be made. ``design``: its name at any batch size. ``batch`` None: the workload's own."""

    design: str
    arch: str
    workload: str
    batch: int | None
    overrides: tuple[str, ...]

    @property
    def name(self) -> str:
        """The run's own name."""
        return self.design if self.batch is None else f"{self.design}_batch{self.batch}"

    def command(self, *, exact: bool) -> str:
        """What runs it alone."""
        words = ["nearbank", "run", self.arch, self.workload]
        words += [word for override in self.overrides for word in ("--set", override)]
        words += ["--batch", str(self.batch)] if self.batch is not None else []
        return shlex.join([*words, "--exact"] if exact else words)


def method(text: str) -> Method:
    """``NAME:PATH=VALUE,PATH=VALUE``, as an argument; a name alone changes nothing."""
    name, _, overrides = text.partition(":")
    if not re.fullmatch(r"[\w.+-]+", name):
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME:PATH=VALUE, such as w4:precision.weights=int4")
    pairs = tuple(pair.strip() for pair in NEXT_PAIR.split(overrides) if pair.strip())
    wrong = next((pair for pair in pairs if "=" not in pair), None)
    if wrong is not None:
        raise argparse.ArgumentTypeError(f"'{wrong}' is not PATH=VALUE (in method '{name}')")
    return Method(name, pairs)


def jobs(
    archs: Sequence[str],
    workloads: Sequence[str],
    methods: Sequence[Method],
    batches: Sequence[int],
    overrides: Sequence[str],
) -> list[Job]:
    """All combinations. Raises ConfigError when two would have the same name."""
    found = list(_combinations(archs, workloads, methods or (PLAIN,), batches or (None,), overrides))
    for name, times in Counter(job.name for job in found).items():
        if times > 1:
            raise ConfigError(f"'{name}' is to be compared {times} times; each run needs a name of its own")
    return found


def _combinations(
    archs: Sequence[str],
    workloads: Sequence[str],
    methods: Sequence[Method],
    batches: Sequence[int | None],
    overrides: Sequence[str],
) -> Iterator[Job]:
    for batch in batches:
        for workload in workloads:
            for one in methods:
                for arch in archs:
                    parts = [_stem(arch), *([_stem(workload)] if len(workloads) > 1 else []), one.name]
                    design = "_".join(part for part in parts if part)
                    yield Job(design, arch, workload, batch, (*overrides, *one.overrides))


def _stem(ref: str) -> str:
    return Path(ref).name.removesuffix(".yaml")
