"""The commands of a short time: those of the last step that had any, from a long piece of work in its middle on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator import load_arch, load_workload, simulate
from simulator.hooks import CommandsWithin, IssuedCommand
from simulator.metrics.command_window import MOST_COMMANDS, WINDOW_PS, CommandWindow, from_csv, to_csv
from simulator.metrics.timeline import Timeline

EVERY_PS = 2000


def steady(name: str, start_ps: int, end_ps: int) -> CommandsWithin:
    """A command every `EVERY_PS`."""

    def within(from_ps: int, until_ps: int) -> Iterator[IssuedCommand]:
        for time_ps in range(start_ps, end_ps, EVERY_PS):
            if from_ps <= time_ps < until_ps:
                yield IssuedCommand(time_ps, 1, name, "bank 0", -1, -1)

    return within


def issue(window: CommandWindow, *pieces: tuple[str, int, int]) -> None:
    for name, start_ps, end_ps in pieces:
        window.issued("memory", start_ps, end_ps, steady(name, start_ps, end_ps))


def test_it_begins_with_the_first_long_piece_after_the_middle_of_the_last_step() -> None:
    window = CommandWindow()
    issue(window, ("old", 0, 10**9))
    window.token_done(10**9, 0)
    issue(window, ("a", 0, 100_000), ("short", 100_000, 104_000), ("b", 104_000, 200_000), ("c", 200_000, 210_000))
    window.token_done(210_000, 1)
    window.token_done(220_000, 2)  # a step without any memory work
    assert {command.name for command in window.told()["memory"]} == {"b", "c"}
    assert [command.time_ps for command in window.told()["memory"][:2]] == [104_000, 104_000 + EVERY_PS]


def test_it_ends_after_its_time_or_its_number_of_commands() -> None:
    window = CommandWindow()
    issue(window, ("a", 0, 10 * WINDOW_PS))
    window.token_done(10 * WINDOW_PS, 0)
    told = window.told()["memory"]
    assert len(told) == min(MOST_COMMANDS, WINDOW_PS // EVERY_PS)
    window.run_started({}, {})
    assert window.told() == {}


def test_it_tells_what_a_timeline_of_the_same_time_holds_and_watches_each_trial_run_of_a_stack(
    tmp_path: Path,
) -> None:
    arch, workload = load_arch("ndp3d_tsv"), load_workload("llama2_7b_512_64", ["prompt_tokens=8", "output_tokens=2"])
    window = CommandWindow()
    result = simulate(arch, workload, hooks=[window])
    assert result == simulate(arch, workload).model_copy(update={"provenance": result.provenance})
    told = window.told()["memory"]
    timeline = Timeline((told[0].time_ps, told[-1].time_ps + 1))
    simulate(arch, workload, hooks=[timeline])
    timeline.write(tmp_path / "t.json")
    events = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    bars = [e for e in events if e["ph"] == "X" and e["cat"] == "command"]
    in_ns = sorted(((command.time_ps + 500) // 1000, command.name) for command in told)
    assert sorted((round(e["ts"] * 1e3), e["name"]) for e in bars) == in_ns


def test_csv_can_be_read_back_and_nothing_else_is_taken_for_it() -> None:
    found = {"memory": [IssuedCommand(1, 2, "RD", "bankgroup 0, bank 1", 3, -1)], "other": []}
    assert from_csv(to_csv(found)) == {"memory": found["memory"]}
    for text in ("", "a,b\n", to_csv(found).replace(",3,", ",x,")):
        with pytest.raises(ValueError, match=r"columns|invalid literal"):
            from_csv(text)
