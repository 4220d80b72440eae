/* A tensor as a grid of cells. The sign is written, not only coloured, and what is not finite is
   marked. More than 64 entries are shown as 8 × 8 blocks, each by its largest entry; where the
   entries themselves are at hand, a click on a block looks into it. */

const MOST = 64;
const BLOCKS = 8;

/* The bounds of `parts` nearly equal parts of from..to, the longer ones first. */
function split(from, to, parts) {
  const size = to - from;
  const count = Math.min(parts, size);
  const bounds = [from];
  for (let k = 0; k < count; k += 1) {
    bounds.push(bounds[k] + Math.floor(size / count) + (k < size % count ? 1 : 0));
  }
  return bounds;
}

function largestOf(all, columns, [r0, r1, c0, c1]) {
  let best = null;
  for (let r = r0; r < r1; r += 1) {
    for (let c = c0; c < c1; c += 1) {
      const entry = all[r * columns + c];
      const size = Math.abs(number(entry));
      if (best === null || Number.isNaN(size) || size > Math.abs(number(best))) best = entry;
      if (Number.isNaN(size)) return best;
    }
  }
  return best;
}

/* The cells of a region [row, row end, column, column end] of a tensor seen as a matrix. */
function cellsOf(value, region) {
  const shape = shapeOf(value);
  const all = entries(value);
  const n = isScalar(value) ? 1 : value.n;
  const columns = shape.length ? shape[shape.length - 1] : 1;
  if (!all) {
    const rows = value.preview || [];
    const bounds = [split(0, n / columns, BLOCKS), split(0, columns, BLOCKS)];
    const block = (r, c) => [bounds[0][r], bounds[0][r + 1], bounds[1][c], bounds[1][c + 1]];
    return {
      width: rows.length ? rows[0].length : 1,
      cells: rows.flatMap((row, r) => row.map((entry, c) => ({ entry, block: block(r, c) }))),
    };
  }
  const area = region || [0, n / (columns || 1), 0, columns];
  const [r0, r1, c0, c1] = area;
  const cells = [];
  if ((r1 - r0) * (c1 - c0) <= MOST) {
    for (let r = r0; r < r1; r += 1) {
      for (let c = c0; c < c1; c += 1) {
        const flat = r * columns + c;
        cells.push({ entry: all[flat], flat, index: unravel(flat, shape) });
      }
    }
    return { width: shape.length < 2 ? Math.min(c1 - c0, BLOCKS) : c1 - c0, cells };
  }
  const rows = split(r0, r1, BLOCKS);
  const across = split(c0, c1, BLOCKS);
  for (let r = 0; r + 1 < rows.length; r += 1) {
    for (let c = 0; c + 1 < across.length; c += 1) {
      const block = [rows[r], rows[r + 1], across[c], across[c + 1]];
      cells.push({ entry: largestOf(all, columns, block), block, open: true });
    }
  }
  return { width: across.length - 1, cells };
}

function placeText(index) {
  return index && index.length ? "[" + index.join(", ") + "]" : "";
}

function blockText([r0, r1, c0, c1]) {
  const span = (a, b) => (b - a === 1 ? String(a) : a + ":" + b);
  return "[" + span(r0, r1) + ", " + span(c0, c1) + "]";
}

function shade(x, largest) {
  if (!Number.isFinite(x)) return "var(--bad-soft)";
  const part = largest > 0 ? Math.round((Math.min(1, Math.abs(x) / largest) ** 0.7) * 70) : 0;
  return "color-mix(in srgb, var(--" + (x < 0 ? "minus" : "plus") + ") " + part + "%, var(--lift))";
}

/* At most seven letters, which a cell has room for. */
function brief(value) {
  for (let digits = 4; digits > 1; digits -= 1) {
    const text = format(value, digits);
    if (text.length <= 7) return text;
  }
  const power = number(value).toExponential(1).replace(/-/g, "−");
  return power.length <= 7 ? power : format(value, 2);
}

function cellBox(cell, { wide, largest, pickable }) {
  const x = number(cell.entry);
  const sign = !Number.isFinite(x) ? "!" : x < 0 ? "−" : "";
  const where = cell.index ? placeText(cell.index) + " = " : "largest of " + blockText(cell.block) + ": ";
  const text = where + format(cell.entry, 6);
  const classes = ["cell"];
  if (pickable || cell.open) classes.push("pickable");
  if (!Number.isFinite(x)) classes.push("bad");
  return h(
    "div",
    { role: "gridcell", tabindex: -1, class: classes.join(" "), style: "background:" + shade(x, largest), "aria-label": text, title: text },
    wide ? sign : brief(cell.entry),
  );
}

/* `pick(flat, index)` is called with the entry that is clicked, `whole(then)` gets all entries of a
   tensor that is here in part; `sums` are those behind the largest entries of its blocks, for
   `say(text)`; `readout` is where the entry under the pointer is written. */
function heat(given, { title, pick, whole, sums, say, kind, readout = h("p", { class: "readout soft" }) } = {}) {
  let value = given;
  if (value && value.n > 1 && value.stats && value.stats.zero === value.n) {
    return h("figure", { class: "heat " + (kind || "") }, h("figcaption", null, h("b", null, title), h("span", { class: "soft" }, " " + shapeText(value.shape) + ", zeros")));
  }
  const body = h("div");
  const figure = h(
    "figure",
    { class: "heat " + (kind || "") },
    h("figcaption", null, h("b", null, title), h("span", { class: "soft" }, " " + shapeText(shapeOf(value)))),
    body,
    readout.dataset.shared ? null : readout,
  );

  function show(region, focus) {
    const { cells, width } = cellsOf(value, region);
    if (sums && cells.length && cells[0].block && !cells[0].open) {
      cells.forEach((cell, k) => { [cell.index, cell.sum] = sums[k] || []; });
    }
    const sizes = cells.map((cell) => Math.abs(number(cell.entry))).filter(Number.isFinite);
    const largest = Math.max(0, ...sizes);
    const boxes = cells.map((cell) =>
      cellBox(cell, { wide: width > BLOCKS, largest, pickable: cell.index && (pick || cell.sum) }),
    );
    boxes.forEach((box, i) => {
      const cell = cells[i];
      const point = () => setText(readout, box.title);
      box.addEventListener("mouseenter", point);
      box.addEventListener("focus", point);
      if (cell.open) box.addEventListener("click", () => show(cell.block, true));
      else if (cell.block && whole) box.addEventListener("click", () => load(cell.block));
      else if (cell.sum) box.addEventListener("click", () => say(cell.sum));
      else if (pick && cell.index) box.addEventListener("click", () => pick(cell.flat, cell.index));
    });
    if (boxes.length) boxes[0].tabIndex = 0;
    const rows = [];
    for (let i = 0; i < boxes.length; i += width) rows.push(h("div", { role: "row" }, boxes.slice(i, i + width)));
    const cellGrid = h("div", { role: "grid", class: "cells" + (width > BLOCKS ? " tiny" : ""), "aria-label": title }, rows);
    cellGrid.addEventListener("keydown", (event) => gridKey(event, boxes, width));
    body.replaceChildren(boxes.length ? cellGrid : h("p", { class: "soft" }, "no entries"));
    if (region) {
      const whole = h("button", { class: "plain", type: "button", onclick: () => show(null, true) }, "← all of it");
      body.prepend(h("div", { class: "soft" }, whole, blockText(region)));
    }
    const blocks = cells.length && cells[0].block;
    setText(readout, blocks ? "each cell: the largest entry of a block" + (cells[0].open || whole ? "; click to look into it" : cells[0].sum ? "; click to see the sum behind it" : "") : "");
    if (focus && boxes.length) boxes[0].focus();
  }

  function load(region) {
    whole((reply) => {
      if (!reply.value) setText(readout, reply.error);
      else {
        value = reply.value;
        show(region, true);
      }
    });
  }

  show(null, false);
  return figure;
}

function gridKey(event, boxes, width) {
  const at = boxes.indexOf(event.target);
  const move = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -width, ArrowDown: width }[event.key];
  if (at < 0) return;
  if (move !== undefined) {
    const next = boxes[at + move];
    if (next) {
      boxes[at].tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    }
  } else if (event.key === "Enter" || event.key === " ") boxes[at].click();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/* What there is to say of a tensor in one line. */
function statistics(value) {
  if (isScalar(value) || !value) return "";
  const { stats } = value;
  const parts = [shapeText(value.shape) + (value.dtype ? " " + value.dtype : "")];
  if (stats && value.n > 1 && stats.norm !== null) {
    parts.push("from " + format(stats.min) + " to " + format(stats.max), "mean " + format(stats.mean), "norm " + format(stats.norm));
  }
  if (stats && stats.zero) parts.push(plural(stats.zero, "zero"));
  const bad = trouble(value);
  if (bad) parts.push(bad);
  return parts.join(" · ");
}
