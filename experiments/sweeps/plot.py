"""A scatter of two columns of a sweep with its Pareto front, as one HTML page.

python experiments/sweeps/plot.py DIR [--x power_w] [--y tokens_per_s] [--colour workload.batch] [-o front.html]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import plotly.graph_objects as go

from simulator.explore.columns import Objective, Row, usual_direction
from simulator.explore.folder import Folder
from simulator.explore.pareto import front
from simulator.explore.run import load_finished


def figure(rows: list[Row], x: str, y: str, colour: str | None) -> go.Figure:
    """All points, and the front as a line through the best of them."""
    groups: dict[object, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.get(colour) if colour else "points", []).append(row)
    plot = go.Figure(layout={"xaxis_title": x, "yaxis_title": y, "template": "simple_white"})
    for name, group in groups.items():
        text = ["<br>".join(f"{key} {value}" for key, value in list(row.items())[4:16]) for row in group]
        plot.add_scatter(x=[r[x] for r in group], y=[r[y] for r in group], text=text, mode="markers", name=str(name))
    best = front(rows, [Objective(x, usual_direction(x)), Objective(y, usual_direction(y))])
    plot.add_scatter(x=[row[x] for row in best], y=[row[y] for row in best], mode="lines", name="Pareto front")
    return plot


def main() -> None:
    """Read a folder, write a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--x", default="power_w")
    parser.add_argument("--y", default="tokens_per_s")
    parser.add_argument("--colour")
    parser.add_argument("-o", "--output", default="front.html")
    args = parser.parse_args()
    rows = [row for row in load_finished(Folder(args.folder)).rows if row["status"] == "done"]
    figure(rows, args.x, args.y, args.colour).write_html(args.output)


if __name__ == "__main__":
    main()
