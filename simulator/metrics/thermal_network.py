"""A lumped thermal network: heat capacities joined by thermal resistances, with a path to the ambient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Network:
    """A chain of nodes, the heat sink first.

    ``resistances_k_per_w[0]``: from the heat sink to the ambient; ``[i]``: from node i to node i - 1.
    ``capacities_j_per_k``: of each node. ``board_k_per_w``: from the last node to the ambient, None for no such path.
    """

    resistances_k_per_w: Sequence[float]
    capacities_j_per_k: Sequence[float]
    board_k_per_w: float | None = None

    @property
    def conductances(self) -> Vector:
        """The symmetric matrix G of C dT/dt = P - G (T - T_ambient), in W/K."""
        size = len(self.resistances_k_per_w)
        matrix = np.zeros((size, size))
        for i, resistance in enumerate(self.resistances_k_per_w):
            g = 1 / resistance
            matrix[i, i] += g
            if i:
                matrix[i - 1, i - 1] += g
                matrix[i, i - 1] = matrix[i - 1, i] = -g
        if self.board_k_per_w is not None:
            matrix[-1, -1] += 1 / self.board_k_per_w
        return matrix

    def steady_c(self, power_w: Vector, ambient_c: float) -> Vector:
        """Temperature of each node when the heat ``power_w`` of each has flowed for ever."""
        found: Vector = ambient_c + np.linalg.solve(self.conductances, power_w)
        return found

    def after_c(self, start_c: Vector, power_w: Vector, ambient_c: float, seconds: float) -> Vector:
        """Temperature of each node ``seconds`` after it was ``start_c``, at constant power: the exact solution."""
        root = np.sqrt(np.asarray(self.capacities_j_per_k))
        rates, modes = np.linalg.eigh(self.conductances / np.outer(root, root))
        end_c = self.steady_c(power_w, ambient_c)
        fading = np.exp(-rates * seconds) * (modes.T @ (root * (start_c - end_c)))
        found: Vector = end_c + (modes @ fading) / root
        return found
