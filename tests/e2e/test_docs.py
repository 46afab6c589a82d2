"""The documents that docs/configuration.md shows can be loaded as they stand, and pages that the code names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from simulator import load_arch, load_workload
from simulator.units.base import unit_types

ROOT = Path(__file__).resolve().parents[2]
SHOWN = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "configuration.md").read_text(), re.DOTALL)
PAGE = re.compile(r"(?<![\w/])(?:docs/)([a-z-]+\.md)")


@pytest.mark.parametrize("text", SHOWN, ids=["platform", "workload"])
def test_a_shown_document_can_be_loaded(tmp_path: Path, text: str) -> None:
    path = tmp_path / "shown.yaml"
    path.write_text(text)
    if text.startswith("kind: platform"):
        assert load_arch(path).spec.components["memory"].model_dump()["channels"] == 16
    else:
        assert load_workload(path).output_tokens == 64


def test_every_page_that_is_named_exists() -> None:
    files = [*(ROOT / "simulator").rglob("*.py"), *ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    named = {page for file in files for page in PAGE.findall(file.read_text())}
    assert {"results.md", "dram-engine.md"} <= named
    assert named <= {page.name for page in (ROOT / "docs").glob("*.md")}


def test_every_kind_of_component_has_a_row_whose_sections_exist() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", (ROOT / "docs" / "components.md").read_text(), re.MULTILINE)
    assert sorted(kind for kind, _, _ in rows) == sorted(unit_types.names())
    for _, where, _ in rows:
        for place in where.split("; "):
            page, _, section = place.partition(", ")
            titles = re.findall(r"^## (.+)$", (ROOT / "docs" / page.strip("`")).read_text(), re.MULTILINE)
            assert not section or any(title.startswith(section) for title in titles), place


def test_every_page_is_in_the_index() -> None:
    listed = set(re.findall(r"\]\(([a-z-]+\.md)\)", (ROOT / "docs" / "README.md").read_text()))
    assert listed == {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
