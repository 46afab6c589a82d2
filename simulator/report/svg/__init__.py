"""Drawing pictures as SVG: shapes, scales, axes, colours. Knows nothing of results."""
