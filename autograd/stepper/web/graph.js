/* The picture of the graph: boxes for operations and folded groups, frames for open groups, and
   the edges, those lit along which gradient has just flowed. A step rewrites only what it changes. */

const LETTER = 7.6;
const ROW = 17;
const MARGIN = 16;
const SMALLEST = 0.7;
const CHECK = "M-4 0l3 3 5-6";
const LARGEST_SCENE = 1000;

function textWidth(text) {
  return Math.ceil(Array.from(text).length * LETTER);
}

class GraphView {
  /* `act` has select(node), toggle(group), unbundle(leaf): what clicks do. */
  constructor(pass, folding, act) {
    Object.assign(this, { pass, folding, act, scale: 0, now: -1 });
    this.drawing = svg("svg", { role: "group", "aria-label": "computation graph" });
    this.view = h("div", { class: "view", tabindex: -1 }, this.drawing);
    const zoom = (factor, label, text) =>
      h("button", { type: "button", title: label, "aria-label": label, onclick: () => this.zoom(factor) }, text);
    this.keyText = h("p", { class: "key" }, "dashed: not yet · ✓ done · thick: this step · ! not finite");
    this.element = h(
      "section",
      { class: "graph", "aria-label": "graph" },
      this.view,
      h("div", { class: "below" }, this.keyText, zoom(1 / 1.25, "zoom out", "−"), zoom(0, "fit into view", "fit"), zoom(1.25, "zoom in", "+")),
    );
    this.view.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.zoom(event.deltaY < 0 ? 1.1 : 1 / 1.1);
    }, { passive: false });
    this.drag();
  }

  drag() {
    let from = null;
    this.view.addEventListener("pointerdown", (event) => {
      if (event.button === 0) from = [event.clientX + this.view.scrollLeft, event.clientY + this.view.scrollTop];
    });
    this.view.addEventListener("pointermove", (event) => {
      if (!from || !(event.buttons & 1)) return;
      this.view.scrollTo(from[0] - event.clientX, from[1] - event.clientY);
    });
    this.view.addEventListener("pointerup", () => { from = null; });
  }

  /* Lays out and draws the scene anew: at the start and when a group folds or unfolds. */
  rebuild() {
    const scene = this.folding.scene();
    this.scene = scene;
    const { width, height } = this.view.getBoundingClientRect();
    this.room = [width, height];
    this.now = -1;
    this.rows = scene.boxes.map((box) => this.rowsOf(box));
    this.sizes = this.rows.map((rows) => this.sizeOf(rows));
    const titles = scene.frames.map((frame) => [frame.parent, textWidth(this.titleOf(frame.group)) + 30]);
    const lines = scene.lines.map((line) => [line.source, line.target]);
    const arrange = (down) => layout(this.sizes, lines, scene.frame, titles, down);
    this.down = this.sizes.length > 60;
    this.placed = arrange(this.down);
    const scale = this.fitScale(this.placed);
    if (!this.down && scale < 1) {
      const other = arrange(true);
      this.down = scale < SMALLEST || this.fitScale(other) > scale * 1.15;
      if (this.down) this.placed = other;
    }
    this.drawScene();
  }

  titleOf(g) {
    const { note } = this.folding.groups[g];
    const title = this.shortTitle(g);
    return clip(note && note !== title ? title + " · " + note : title, 44);
  }

  /* A module's path from the module around it. */
  shortTitle(g) {
    const { groups } = this.folding;
    let around = groups[g].parent;
    while (around >= 0 && groups[around].kind !== "module") around = groups[around].parent;
    const head = around >= 0 && groups[g].kind === "module" ? groups[around].title + "." : "";
    return groups[g].title.startsWith(head) ? groups[g].title.slice(head.length) : groups[g].title;
  }

  /* Room for "∂ norm −1.52e−6", and for "2/20" beside the title where parts are counted. */
  sizeOf({ title, value, grad, parts = 0 }) {
    const mark = parts > 1 ? textWidth(parts + "/" + parts) + 24 : 34;
    const widest = Math.max(textWidth(title) + mark, textWidth(value) + 20, grad ? 128 : 48);
    return [widest, 12 + ROW * (1 + (value ? 1 : 0) + (grad ? 1 : 0))];
  }

  /* The lines of a box; `grad` says that it has a last line for the gradient. */
  rowsOf(box) {
    const { pass } = this;
    const { nodes } = pass;
    if (box.group >= 0) {
      const { operations } = this.folding.groups[box.group];
      return { title: clip(this.shortTitle(box.group), 26), value: plural(operations, "operation"), grad: true };
    }
    const [i] = box.nodes;
    if (box.nodes.length > 1) {
      const constant = pass.isConstant(i);
      return { title: plural(box.nodes.length, constant ? "constant" : "parameter"), value: clip(pass.label(i), 18) + " …", grad: !constant };
    }
    const value = pass.value(i);
    const wrong = trouble(value);
    const shown = isScalar(value) ? format(value) : shapeText(nodes.shape[i]) + (wrong ? ", " + wrong : "");
    const name = clip(nodes.name[i], 26);
    if (pass.isConstant(i)) {
      return !name && isScalar(value) ? { title: shown, value: "", grad: false } : { title: name || clip(pass.label(i), 22), value: shown, grad: false };
    }
    const op = nodes.symbol[i] || nodes.op[i];
    const own = clip(pass.label(i), 26);
    const made = own + " = " + pass.expression(i);
    const title = !op ? own : made.length <= 22 ? made : name ? own + " = " + op : own;
    return { title, value: shown, grad: true, parts: pass.progress(i, 0).parts };
  }

  fitScale(placed) {
    const box = this.view.getBoundingClientRect();
    return Math.min(1.25, (box.width - 32) / Math.max(1, placed.width), (box.height - 32) / Math.max(1, placed.height));
  }

  drawScene() {
    const { scene, placed } = this;
    const frames = placed.clusters.map(([x, y, width, height]) => svg("g", { class: "frame" }, svg("rect", { x, y, width, height, rx: 8 })));
    const titles = scene.frames.map((frame, k) => this.drawTitle(frame.group, placed.clusters[k]));
    this.lines = placed.paths.map((points, k) => this.drawLine(points, scene.lines[k]));
    this.boxes = scene.boxes.map((box, b) => this.drawBox(box, placed.nodes[b], this.sizes[b], this.rows[b]));
    this.lineOf = new Map();
    scene.lines.forEach((line, k) => {
      const key = pair(line.source, line.target);
      if (!this.lineOf.has(key)) this.lineOf.set(key, []);
      this.lineOf.get(key).push(k);
    });
    this.labels = svg("g", { class: "labels" });
    this.extent = [placed.width + 2 * MARGIN, placed.height + 2 * MARGIN];
    this.drawing.setAttribute("viewBox", [-MARGIN, -MARGIN, ...this.extent].join(" "));
    this.drawing.replaceChildren(...frames, ...this.lines.map((line) => line.group), ...titles, ...this.boxes.map((box) => box.group), this.labels);
    this.zoom(0);
  }

  drawTitle(g, [x, y]) {
    const label = this.titleOf(g);
    const toggle = this.button("fold " + label, () => this.act.toggle(g));
    toggle.classList.add("fold");
    toggle.append(
      svg("rect", { x: x + 5, y: y + 4, width: textWidth(label) + 28, height: 18, rx: 4 }),
      svg("path", { d: "M" + (x + 11) + " " + (y + 13) + "h8" }),
      svg("text", { x: x + 24, y: y + 17 }, label),
    );
    return toggle;
  }

  button(label, act) {
    const group = svg("g", { role: "button", tabindex: -1, "aria-label": label });
    group.addEventListener("click", act);
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      act();
    });
    return group;
  }

  drawLine(points, line) {
    const n = points.length;
    const forth = this.down ? "l-3.5 -7h7z" : "l-7 -3.5v7z";
    const back = this.down ? "l-5 10h10z" : "l10 -5v10z";
    const group = svg(
      "g",
      { class: "line" },
      svg("path", { class: "path", d: curve(points, this.down) }),
      svg("path", { class: "forth", d: "M" + points[n - 2] + " " + points[n - 1] + forth }),
      svg("path", { class: "back", d: "M" + points[0] + " " + points[1] + back }),
    );
    const positions = line.edges.map((e) => this.pass.positionOf.get(this.folding.edges[e][1]));
    return { group, start: points.slice(0, 2), first: Math.min(Infinity, ...positions.filter(Boolean)) };
  }

  drawBox(box, [x, y], [width, height], rows) {
    const { pass } = this;
    const [i] = box.nodes;
    const many = box.group >= 0 || box.nodes.length > 1;
    const act = box.group >= 0 ? () => this.act.toggle(box.group) : many ? () => this.act.unbundle(i) : () => this.act.select(i);
    const group = this.button("", act);
    group.setAttribute("transform", "translate(" + x + " " + y + ")");
    const kind = box.group >= 0 ? "group" : many ? "bundle" : pass.isConstant(i) ? "constant" : pass.nodes.kind[i];
    const round = this.folding.isOperation(i) || box.group >= 0 ? 9 : 2;
    if (many) group.append(svg("rect", { class: "behind", x: 4, y: 4, width, height, rx: round }));
    group.append(svg("rect", { class: "body", width, height, rx: round }));
    const line = (row, name, text) => svg("text", { class: name, x: 10, y: 6 + ROW * (row + 0.72) }, text);
    group.append(line(0, "title", rows.title));
    if (rows.value) group.append(line(1, "value", rows.value));
    const grad = rows.grad ? line(rows.value ? 2 : 1, "grad", "") : null;
    if (grad) group.append(grad);
    const mark = svg("g", { class: "mark", transform: "translate(" + (width - 13) + " 14)" });
    if (many) mark.append(svg("path", { d: "M-4 0h8M0 -4v8" }));
    group.append(mark);
    return { group, grad, mark, kind, many, title: rows.title, shown: "" };
  }

  /* Shows the state after p steps; `selected` is a node or null. */
  update(p, selected) {
    const { pass, scene } = this;
    const { boxOf } = this.folding;
    const step = p > 0 && p <= pass.steps.length ? pass.steps[p - 1] : null;
    this.atStart = p === 0;
    this.now = step ? boxOf[step.node] : p === 0 && pass.meta.roots.length ? boxOf[nodeOf(pass.meta.roots[0])] : -1;
    const chosen = selected === null ? -1 : boxOf[selected];
    scene.boxes.forEach((box, b) => this.updateBox(this.boxes[b], box, p, b === this.now, b === chosen));
    for (const line of this.lines) setAttribute(line.group, "class", line.first <= p ? "line flowed" : "line");
    this.labels.replaceChildren();
    if (step) this.light(step);
  }

  updateBox(drawn, box, p, isNow, isChosen) {
    const { state, text, label, mark } = drawn.many ? this.manyState(box, p) : this.nodeState(box.nodes[0], p);
    const classes = ["box", drawn.kind, state, isNow ? "now" : "", isChosen ? "chosen" : ""].filter(Boolean).join(" ");
    setAttribute(drawn.group, "class", classes);
    setAttribute(drawn.group, "aria-label", drawn.title + ", " + label + (isNow ? ", this step" : ""));
    if (drawn.grad) setText(drawn.grad, text);
    if (drawn.many || drawn.shown === mark) return;
    const shape = mark === "done" ? svg("path", { d: CHECK }) : svg("text", { "text-anchor": "end", x: 6, y: 4 }, mark);
    drawn.mark.replaceChildren(...(mark ? [shape] : []));
    drawn.shown = mark;
  }

  nodeState(i, p) {
    const { state, arrived, parts } = this.pass.progress(i, p);
    if (state === "constant") return { state, text: "", label: "constant", mark: "" };
    const gradient = this.pass.gradient(i, p);
    const bad = gradient !== null && trouble(gradient);
    const text = gradient === null ? "∂ not yet" : isScalar(gradient) ? "∂ " + format(gradient) : bad ? "∂ " + clip(bad, 12) : "∂ norm " + format(norm(gradient), 3);
    const wrong = trouble(this.pass.value(i));
    const flagged = (bad || wrong ? " flagged" : "") + (bad ? " bad-grad" : "") + (wrong ? " bad-value" : "");
    const mark = flagged ? "!" : state === "done" ? "done" : state === "partial" && !this.pass.meta.truncated ? arrived + "/" + parts : "";
    const label = gradient === null ? "gradient not computed yet" : "gradient " + summary(gradient) + (state === "partial" ? ", " + arrived + " of " + parts + " parts" : "");
    return { state: state + flagged, text, label, mark };
  }

  /* A folded group says how many of its steps are done, a bundle of leaves how many are complete. */
  manyState(box, p) {
    let done = 0;
    let all = box.nodes.length;
    if (box.group >= 0) {
      const positions = this.folding.positions[box.group];
      done = bisectRight(positions, p);
      all = positions.length;
    } else for (const i of box.nodes) if (this.pass.progress(i, p).state === "done") done += 1;
    const bad = box.group >= 0 && this.folding.hasTrouble(box.group, p) ? " flagged bad-grad" : "";
    const state = (done === 0 ? "waiting" : done < all ? "partial" : "done") + bad;
    const text = all ? "∂ " + done + " of " + all + (bad ? " !" : "") : "";
    return { state, text, label: text + (bad ? ", not finite" : "") + ", folded" };
  }

  light(step) {
    const { boxOf } = this.folding;
    const used = new Set();
    for (const edge of step.edges) {
      const found = this.lineOf.get(pair(boxOf[edge.to], this.now)) || [];
      const k = found.find((one) => !used.has(one));
      if (k === undefined) continue;
      used.add(k);
      setAttribute(this.lines[k].group, "class", "line flowed lit");
      const from = boxOf[edge.to];
      const [x, y] = this.down ? this.lines[k].start : [this.placed.nodes[from][0] + this.sizes[from][0], this.placed.nodes[from][1]];
      const size = isScalar(edge.contrib) ? format(edge.contrib, 3) : "norm " + format(norm(edge.contrib), 3);
      this.labels.append(svg("text", this.down ? { x: x + 9, y: y + 20 } : { x, y: y - 4, "text-anchor": "end" }, "+ " + size));
    }
  }

  zoom(factor) {
    if (!this.extent) return;
    const fit = this.fitScale(this.placed);
    this.scale = factor === 0 ? Math.max(SMALLEST, fit) : Math.min(3, Math.max(0.1, this.scale * factor));
    setAttribute(this.drawing, "width", Math.round(this.extent[0] * this.scale));
    setAttribute(this.drawing, "height", Math.round(this.extent[1] * this.scale));
    if (factor === 0) this.reveal();
  }

  /* Scrolls so that the box of this step and those it feeds are in view. */
  reveal(node = null) {
    const [first] = this.pass.steps;
    const b = node !== null ? this.folding.boxOf[node] : this.atStart && this.now < 0 && first ? this.folding.boxOf[first.node] : this.now;
    if (b < 0) return;
    const [x, y] = this.placed.nodes[b];
    const [width, height] = this.sizes[b];
    const { view, scale } = this;
    const box = view.getBoundingClientRect();
    const left = (x + MARGIN) * scale;
    const top = (y + MARGIN) * scale;
    const room = 40;
    const apart = (start, size, scrolled, extent) => start < scrolled + room || start + size > scrolled + extent - room;
    const away = apart(left, width * scale, view.scrollLeft, box.width) || apart(top, height * scale, view.scrollTop, box.height);
    if (away) view.scrollTo(left + (width * scale - box.width) / 2, top + (height * scale - box.height) / 2);
  }

  /* Fits the picture again when the panel has got another size. */
  resized() {
    const { width, height } = this.view.getBoundingClientRect();
    if (Math.abs(this.room[0] - width) < 2 && Math.abs(this.room[1] - height) < 2) return;
    this.rebuild();
    this.act.redraw();
  }
}
