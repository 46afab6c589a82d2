"""Whether docs/validation.md shows what a suite says now.

With NEARBANK_UPDATE_README=1 in the environment the suite's part of the page is written anew instead.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulator.report.validation_text import section, summary_rows

PAGE = Path(__file__).resolve().parent.parent / "docs" / "validation.md"


def is_documented(report: Mapping[str, Any]) -> bool:
    """Whether the suite's section and its rows of the first table are those of ``report``."""
    suite = report["suite"]
    text = PAGE.read_text(encoding="utf-8")
    whole = "\n".join(section(report, f"nearbank validate --suite {suite}")) + "\n"
    rows = "".join(f"{row}\n" for row in summary_rows(report))
    if os.environ.get("NEARBANK_UPDATE_README") == "1":
        text = re.sub(rf"(?:^\| {suite} \|.*\n)+", lambda _: rows, text, count=1, flags=re.MULTILINE)
        text = re.sub(rf"^## Suite {suite}\n.*?(?=\n## |\Z)", lambda _: whole, text, flags=re.MULTILINE | re.DOTALL)
        PAGE.write_text(text, encoding="utf-8")
    return whole in text and rows in text
