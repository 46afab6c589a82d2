"""Mappings that a platform fixes: by op kind, what of its tiling is not left to the mapper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from simulator.config.base_schema import Spec
from simulator.config.nearest import hint
from simulator.errors import ConfigError
from simulator.mapping.placement import MATRIX
from simulator.units.processors.tiles import Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence


class FixedMapping(Spec):
    """``tile_m`` vectors x ``tile_n`` outputs of a core's tile; ``split_k`` parts of the inner dimension.

    ``group_m``: rows of tiles that run together. ``buffers``: steps of operands that a core holds, 1 for no overlap.
    """

    tile_m: Annotated[int, Field(ge=1, le=65_536)] | None = None
    tile_n: Annotated[int, Field(ge=1, le=65_536)] | None = None
    split_k: Annotated[int, Field(ge=1, le=1024)] | None = None
    group_m: Annotated[int, Field(ge=1, le=65_536)] | None = None
    buffers: Annotated[int, Field(ge=1, le=8)] | None = None

    @property
    def wanted(self) -> Wanted:
        """What the mapper has to keep to."""
        tile = (self.tile_m, self.tile_n) if self.tile_m is not None and self.tile_n is not None else None
        return Wanted(tile, self.split_k, self.group_m, self.buffers)


def check(fixed: Mapping[str, FixedMapping], tiles: Sequence[tuple[int, int]], where: str) -> None:
    """Raises ConfigError for an op kind that is no product with weights, or a tile that the kernels do not offer."""
    for kind, mapping in fixed.items():
        if kind not in MATRIX:
            known = sorted(MATRIX)
            raise ConfigError(
                f"'{kind}' is not a product with weights (allowed: {', '.join(known)}){hint(kind, known)}", key=where
            )
        if (mapping.tile_m is None) != (mapping.tile_n is None):
            raise ConfigError("a tile needs both tile_m and tile_n", key=f"{where}.{kind}")
        tile = mapping.wanted.tile
        if tile is not None and tile not in tiles:
            offered = ", ".join(f"{rows}x{columns}" for rows, columns in tiles)
            raise ConfigError(
                f"a tile of {tile[0]}x{tile[1]} is not one that the kernels offer (allowed: {offered})",
                key=f"{where}.{kind}",
            )
