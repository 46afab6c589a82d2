"""The pictures of a report: each from results to a drawing and the table of what it shows."""
