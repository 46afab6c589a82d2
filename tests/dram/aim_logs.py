"""The command logs of the published AiM simulator as our records."""

from __future__ import annotations

from strategies import DATA, standard

from simulator.dram.log import LoggedCommand

LOGS = sorted((DATA / "aim" / "command_logs").glob("*.log"))


def published_log(name: str) -> list[LoggedCommand]:
    """One log; rows are kept only where our log has them, columns not at all."""
    spec = standard("gddr6_aim_ref")
    native = {row.alias or command: command for command, row in spec.commands.items()}
    entries = []
    for line in (DATA / "aim" / "command_logs" / f"{name}.log").read_text().splitlines():
        tick, _, alias, _, bankgroup, bank, row = line.split()[:7]
        command = native[alias]
        whole_channel = spec.commands[command].scope == "channel"
        has_row = spec.commands[command].opens or spec.commands[command].row == "open"
        address = (-1, -1) if whole_channel else (int(bankgroup), int(bank))
        entries.append(LoggedCommand(int(tick), command, address, int(row) if has_row else -1, -1))
    return entries
