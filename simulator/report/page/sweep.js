"use strict";
(() => {
  const PAGE = 50, LINES = 1500;
  const all = (where, selector) => Array.from(where.querySelectorAll(selector));
  const fine = (value) => value === null ? "-" : typeof value !== "number" ? value
    : Number.isInteger(value) && Math.abs(value) < 1e7 ? value.toLocaleString("en") : +value.toPrecision(4);

  for (const sweep of all(document, ".sweep")) start(sweep, JSON.parse(sweep.querySelector("script.data").textContent));

  function start(sweep, data) {
    const columns = data.columns, byName = Object.fromEntries(columns.map((column, n) => [column.name, n]));
    const ranges = new Map();  // column -> [low, high], or a Set of values that are left out
    const selected = new Uint8Array(data.rows).fill(1);
    let order = null, page = 0, wanted = false;
    const text = (n, row) => { const c = columns[n], v = c.values[row]; return c.categories && v !== null ? c.categories[v] : v; };

    // A selection is what passes every range; all pictures, the table and the download follow it.
    const select = () => {
      const tests = [...ranges].map(([n, range]) => {
        const values = columns[n].values;
        return range instanceof Set ? (row) => !range.has(String(text(n, row)))
          : (row) => values[row] !== null && values[row] >= range[0] && values[row] <= range[1];
      });
      let count = 0;
      for (let row = 0; row < data.rows; row++) count += (selected[row] = tests.every((test) => test(row)) ? 1 : 0);
      sweep.querySelector(".count").textContent = `${count.toLocaleString("en")} of ${data.rows.toLocaleString("en")} points`;
      page = 0;
      order = null;
      fill();
      draw(count < data.rows);
    };
    const later = () => { if (!wanted) { wanted = true; requestAnimationFrame(() => { wanted = false; select(); }); } };

    // The table.
    const table = sweep.querySelector("table.live");
    let sorted = Math.max(0, columns.findIndex((column) => column.name === "tokens_per_s")), down = true;
    const rowsInOrder = () => {
      if (order) return order;
      const values = columns[sorted].values, sign = down ? -1 : 1;
      order = [];
      for (let row = 0; row < data.rows; row++) if (selected[row]) order.push(row);
      return order.sort((a, b) => (values[a] === null) - (values[b] === null) || sign * (values[a] - values[b]) || a - b);
    };
    const fill = () => {
      const rows = rowsInOrder(), pages = Math.max(1, Math.ceil(rows.length / PAGE));
      page = Math.min(page, pages - 1);
      table.tBodies[0].replaceChildren(...rows.slice(page * PAGE, (page + 1) * PAGE).map((row) => {
        const line = document.createElement("tr");
        columns.forEach((column, n) => {
          const cell = document.createElement("td");
          cell.textContent = fine(text(n, row));
          if (!column.categories) cell.className = "n";
          line.append(cell);
        });
        return line;
      }));
      sweep.querySelector(".where").textContent = `page ${page + 1} of ${pages}`;
      all(table, "thead th").forEach((head, n) => {
        if (n === sorted) head.setAttribute("aria-sort", down ? "descending" : "ascending"); else head.removeAttribute("aria-sort");
      });
    };
    all(table, ".sort").forEach((button, n) => button.addEventListener("click", () => {
      [sorted, down] = [n, n === sorted ? !down : true];
      order = null;
      page = 0;
      fill();
    }));
    sweep.querySelector(".back").addEventListener("click", () => { page = Math.max(0, page - 1); fill(); });
    sweep.querySelector(".on-page").addEventListener("click", () => { page += 1; fill(); });

    // Fields: the same selection by keyboard.
    const fields = all(sweep, ".filters input");
    const read = (n) => {
      const own = fields.filter((field) => +field.dataset.column === n);
      if (own[0].type === "checkbox") {
        const left = new Set(own.filter((field) => !field.checked).map((field) => field.value));
        if (left.size) ranges.set(n, left); else ranges.delete(n);
      } else {
        const [low, high] = own.map((field) => field.value === "" ? null : +field.value);
        if (low === null && high === null) ranges.delete(n); else ranges.set(n, [low ?? -Infinity, high ?? Infinity]);
      }
    };
    const write = (n, low, high) => {
      const own = fields.filter((field) => +field.dataset.column === n);
      if (own[0].type === "checkbox") {
        const inside = new Set();
        columns[n].values.forEach((v, row) => { if (v !== null && v >= low && v <= high) inside.add(String(text(n, row))); });
        for (const field of own) field.checked = inside.has(field.value);
      } else [own[0].value, own[1].value] = [low, high].map((value) => +value.toPrecision(4));
      read(n);
    };
    for (const field of fields) field.addEventListener("input", () => { read(+field.dataset.column); later(); });
    sweep.querySelector(".clear").addEventListener("click", () => {
      for (const field of fields) if (field.type === "checkbox") field.checked = true; else field.value = "";
      ranges.clear();
      select();
    });

    // Brushes.
    const place = (axis, value) => axis.kind === "log"
      ? axis.start + Math.log(value / axis.low) / Math.log(axis.high / axis.low) * (axis.end - axis.start)
      : axis.start + (value - axis.low) / (axis.high - axis.low) * (axis.end - axis.start);
    const value = (axis, at) => {
      const share = (at - axis.start) / (axis.end - axis.start);
      return axis.kind === "log" ? axis.low * (axis.high / axis.low) ** share : axis.low + share * (axis.high - axis.low);
    };
    for (const brush of all(sweep, ".brush")) {
      const axes = JSON.parse(brush.dataset.axes), svg = brush.ownerSVGElement;
      const at = (event) => { const p = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse()); return [p.x, p.y]; };
      let from = null;
      brush.addEventListener("pointerdown", (event) => { from = at(event); brush.setPointerCapture(event.pointerId); event.preventDefault(); });
      brush.addEventListener("pointermove", (event) => {
        if (!from) return;
        const to = at(event);
        (brush.dataset.form === "scatter" ? [0, 1] : [1]).forEach((side, n) => {
          if (Math.abs(to[side] - from[side]) < 3) return;
          const ends = [value(axes[n], from[side]), value(axes[n], to[side])].sort((a, b) => a - b);
          write(byName[axes[n].column], ...ends);
        });
        later();
      });
      brush.addEventListener("pointerup", () => { from = null; });
    }

    // The selection, under the letters of the drawings.
    const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const draw = (part) => {
      for (const svg of all(sweep, ".stage svg")) {
        const brushes = all(svg, ".brush");
        if (!brushes.length || !svg.getClientRects().length) continue;
        svg.querySelector(".points,.lines").style.opacity = part ? 0.18 : "";
        let canvas = svg.previousElementSibling;
        if (!canvas) { canvas = document.createElement("canvas"); canvas.setAttribute("aria-hidden", "true"); svg.parentElement.style.position = "relative"; svg.before(canvas); }
        const box = svg.getBoundingClientRect(), sharp = devicePixelRatio || 1, zoom = box.width / svg.viewBox.baseVal.width;
        [canvas.width, canvas.height] = [box.width * sharp, box.height * sharp];
        const pen = canvas.getContext("2d");
        pen.scale(sharp * zoom, sharp * zoom);
        if (!part) continue;
        const axes = brushes.map((brush) => ({ x: +brush.dataset.x, form: brush.dataset.form, axes: JSON.parse(brush.dataset.axes) }));
        if (axes[0].form === "scatter") points(pen, axes[0].axes); else lines(pen, axes);
      }
    };
    const points = (pen, [x, y]) => {
      const [xs, ys] = [x, y].map((axis) => columns[byName[axis.column]].values);
      pen.fillStyle = colour("--c0");
      const seen = new Set();
      for (let row = 0; row < data.rows; row++) if (selected[row] && xs[row] !== null && ys[row] !== null) {
        const at = Math.round(place(x, xs[row])) * 4096 + Math.round(place(y, ys[row]));
        if (seen.has(at)) continue;
        seen.add(at);
        pen.beginPath();
        pen.arc(Math.floor(at / 4096), at % 4096, 2.6, 0, 7);
        pen.fill();
      }
    };
    const lines = (pen, axes) => {
      pen.strokeStyle = colour("--c0");
      const rows = [];
      for (let row = 0; row < data.rows; row++) if (selected[row]) rows.push(row);
      const every = Math.max(1, Math.ceil(rows.length / LINES)), drawn = rows.filter((_, n) => n % every === 0);
      pen.globalAlpha = Math.max(0.08, Math.min(0.9, 60 / (drawn.length + 1)));
      pen.lineWidth = 1.1;
      const columnOf = axes.map(({ axes: [axis] }) => columns[byName[axis.column]].values);
      for (const row of drawn) {
        let down = false;
        pen.beginPath();
        axes.forEach(({ x, axes: [axis] }, n) => {
          const v = columnOf[n][row];
          if (v !== null) { if (down) pen.lineTo(x, place(axis, v)); else pen.moveTo(x, place(axis, v)); }
          down = v !== null;
        });
        pen.stroke();
      }
    };
    addEventListener("resize", later);
    document.addEventListener("themechange", later);

    // Download: the figures as they are on the page.
    sweep.querySelector(".csv").addEventListener("click", (event) => {
      const quote = (v) => v === null ? "" : /[",\n]/.test(String(v)) ? `"${String(v).replaceAll('"', '""')}"` : String(v);
      const rows = rowsInOrder().map((row) => columns.map((_, n) => quote(text(n, row))).join(","));
      const file = new Blob([[columns.map((column) => quote(column.name)).join(","), ...rows, ""].join("\n")], { type: "text/csv" });
      const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: `${event.target.dataset.name}.csv` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
    fill();
  }
})();
