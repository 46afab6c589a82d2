"use strict";
(() => {
  const all = (where, selector) => Array.from(where.querySelectorAll(selector));
  const root = document.documentElement;

  // Theme: the system's, or light, or dark; kept where the browser lets a file keep anything.
  const button = document.getElementById("theme");
  const themes = ["system", "light", "dark"];
  const store = { get: () => { try { return localStorage.getItem("nearbank-theme"); } catch { return null; } },
    set: (value) => { try { localStorage.setItem("nearbank-theme", value); } catch { /* stays for this view */ } } };
  const setTheme = (theme) => {
    if (theme === "system") delete root.dataset.theme; else root.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
    document.dispatchEvent(new Event("themechange"));
  };
  setTheme(themes.includes(store.get()) ? store.get() : "system");
  button.addEventListener("click", () => {
    const next = themes[(themes.indexOf(root.dataset.theme ?? "system") + 1) % themes.length];
    store.set(next);
    setTheme(next);
  });

  // What a mark stands for, by pointer and by keyboard.
  const tip = document.getElementById("tip");
  let shown = null, byKey = false;
  const hide = () => { shown?.classList.remove("on"); shown = null; tip.hidden = true; };
  const show = (mark) => {
    if (mark === shown) return;
    hide();
    shown = mark;
    mark.classList.add("on");
    const [name, ...lines] = mark.dataset.tip.split("\n");
    tip.replaceChildren(Object.assign(document.createElement("b"), { textContent: name }),
      ...lines.map((line) => Object.assign(document.createElement("span"), { textContent: line })));
    tip.hidden = false;
    put(mark);
  };
  const put = (mark) => {
    const box = mark.getBoundingClientRect(), room = tip.getBoundingClientRect();
    const left = Math.min(Math.max(12, box.left + box.width / 2 - room.width / 2), innerWidth - room.width - 12);
    const above = box.top - room.height - 8;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 50 ? above : Math.min(box.bottom + 8, innerHeight - room.height - 8)}px`;
  };
  const marksOf = (stage) => all(stage, "[data-tip]").filter((mark) => mark.getClientRects().length && !mark.closest(".off"));
  const middle = (mark) => { const b = mark.getBoundingClientRect(); return [b.left + b.width / 2, b.top + b.height / 2]; };
  const nearest = (stage, x, y) => {
    let best = null, least = 14;
    for (const mark of marksOf(stage)) {
      const [mx, my] = middle(mark), away = Math.hypot(mx - x, my - y);
      if (away < least) [best, least] = [mark, away];
    }
    return best;
  };
  for (const stage of all(document, ".stage")) {
    stage.addEventListener("pointermove", (event) => {
      const mark = event.target.closest("[data-tip]") ?? nearest(stage, event.clientX, event.clientY);
      byKey = false;
      if (mark) show(mark); else hide();
    });
    stage.addEventListener("pointerleave", hide);
    stage.addEventListener("blur", hide);
    stage.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: 0, End: 0 }[event.key];
      if (event.key === "Escape") hide();
      if (step === undefined) return;
      event.preventDefault();
      const marks = marksOf(stage).sort((a, b) => middle(a)[0] - middle(b)[0] || middle(a)[1] - middle(b)[1]);
      if (!marks.length) return;
      const at = marks.indexOf(shown);
      const next = event.key === "Home" ? 0 : event.key === "End" ? marks.length - 1
        : at < 0 ? (step > 0 ? 0 : marks.length - 1) : (at + step + marks.length) % marks.length;
      byKey = true;
      show(marks[next]);
    });
  }
  addEventListener("scroll", () => { if (byKey && shown) put(shown); else hide(); }, { passive: true });

  // Filters: a mark or a row is shown while the chips of all its keys are pressed.
  const apply = (figure) => {
    const hidden = {};
    for (const chip of all(figure, ".chip[aria-pressed=false]"))
      (hidden[chip.dataset.key] ??= new Set()).add(chip.dataset.value);
    for (const item of all(figure, "[data-tip],tbody tr"))
      item.classList.toggle("off", Object.entries(hidden).some(([key, values]) => values.has(item.dataset[key])));
  };
  for (const chip of all(document, ".chip")) chip.addEventListener("click", () => {
    chip.setAttribute("aria-pressed", chip.getAttribute("aria-pressed") === "true" ? "false" : "true");
    apply(chip.closest("figure"));
  });

  // Sorting: figures first by size, words by their letters, what is missing last.
  for (const sort of all(document, "table:not(.live) .sort")) sort.addEventListener("click", () => {
    const head = sort.closest("th"), table = head.closest("table"), body = table.tBodies[0];
    const column = head.cellIndex, down = head.getAttribute("aria-sort") === "descending" ? 1 : -1;
    for (const other of all(table, "thead th")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down < 0 ? "descending" : "ascending");
    const value = (row) => { const cell = row.cells[column]; return cell.dataset.v === undefined ? cell.textContent : +cell.dataset.v; };
    const order = (a, b) => {
      const [x, y] = [value(a), value(b)];
      if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1;
      return (typeof x === "number" ? x - y : x.localeCompare(y)) * down;
    };
    body.append(...Array.from(body.rows).sort(order));
  });

  // Another power cap.
  for (const cards of all(document, ".cards")) {
    const runs = JSON.parse(cards.querySelector("script").textContent), card = cards.querySelector(".capped");
    const cap = card.querySelector("input");
    cap.addEventListener("input", () => {
      const most = cap.value === "" ? NaN : +cap.value;
      const within = runs.filter((run) => run.power_w <= most).sort((a, b) => b.tokens_per_s - a.tokens_per_s);
      const best = within[0], other = within.find((run) => run.group !== best.group);
      const put = (part, words) => { card.querySelector(part).textContent = words; };
      put(".ask", Number.isNaN(most) ? "Most tokens/s within a power cap" : `Most tokens/s within ${most} W`);
      put(".who", best ? best.label : "-");
      put(".figure", best ? best.figure : Number.isNaN(most) ? "no cap given yet" : "none qualifies");
      put(".why", best ? best.why : "");
      put(".margin", other ? `${(best.tokens_per_s / other.tokens_per_s).toPrecision(3)} x ${other.label}` : "");
    });
  }

  // A link to a design opens it.
  const open = () => { const target = location.hash && document.getElementById(location.hash.slice(1)); if (target?.tagName === "DETAILS") target.open = true; };
  addEventListener("hashchange", open);
  open();
})();
