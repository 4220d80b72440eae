/* The stepper: `render({model, el})` puts it into an element's shadow root. The model is a widget's,
   or anything with get(name) and on(event, callback); it has "trace" and "grouping". */

const ICONS = {
  first: "M3 3h2v10H3zM13 3v10L6 8z",
  back: "M11 3v10L4 8z",
  next: "M5 3v10l7-5z",
  last: "M11 3h2v10h-2zM3 3v10l7-5z",
  into: "M7 2h2v7h3l-4 5-4-5h3z",
  out: "M7 14h2V7h3L8 2 4 7h3z",
  over: "M2 9a6 6 0 0 1 10.5-3.2L14.5 4v6h-6l2.3-2.4A3.7 3.7 0 0 0 4.4 9z",
  run: "M2 3v10l5-5zM7 3v10l5-5zM12.500 3h2v10h-2z",
};

class Stepper {
  constructor(model, root) {
    this.model = model;
    this.root = root;
    this.pass = new Pass(model.get("trace"));
    this.folding = new Folding(this.pass, model.get("grouping"));
    this.p = 0;
    this.selected = null;
    this.questions = new Map();
    const act = {
      ask: model.send ? (question, then) => this.ask(question, then) : null,
      select: (i) => this.select(i),
      toggle: (group) => this.toggle(group),
      unbundle: (i) => this.unbundle(i),
      redraw: () => this.show(),
      go: (p) => this.go(p),
      link: (i, text) => this.link(i, text),
    };
    this.graph = new GraphView(this.pass, this.folding, act);
    this.now = new NowPanel(this.pass, act);
    this.source = new SourcePanel(this.pass);
    this.node = new NodePanel(this.pass, act);
    this.grads = new GradientsPanel(this.pass, act);
    this.stops = new Stops(this.pass, () => this.markSlider());
    this.element = h(
      "div",
      { class: "stepper", tabindex: -1, role: "region", "aria-label": "backward pass of " + this.pass.target },
      this.header(),
      this.notices(),
      this.controls(),
      this.stops.element,
      h("main", null, this.graph.element, h("div", { class: "panels" }, this.now.element, this.source.element, this.node.element, this.grads.element)),
    );
    this.element.addEventListener("keydown", (event) => this.key(event));
    this.markSlider();
  }

  /* Asks the kernel of a live widget; `then` gets its answer. */
  ask(question, then) {
    const number = this.questions.size + 1;
    this.questions.set(number, then);
    this.model.send({ ...question, number });
  }

  answered(reply) {
    const then = this.questions.get(reply.number);
    if (then) then(reply);
  }

  link(i, text = this.pass.label(i)) {
    return h("button", { type: "button", class: "name", onclick: () => this.select(i) }, text);
  }

  header() {
    const { pass } = this;
    const count = plural(pass.meta.total_steps, "step") + ", " + plural(pass.leaves.length, "parameter");
    this.themeButton = h("button", { type: "button", class: "plain theme", onclick: () => this.turnTheme() }, "dark or light");
    return h(
      "header",
      null,
      h("h1", null, "Backward pass of ", h("code", null, clip(pass.target, 40))),
      h("span", { class: "soft" }, count),
      h("span", { class: "space" }),
      this.search(),
      this.themeButton,
    );
  }

  turnTheme() {
    const { host } = this.root;
    const dark = getComputedStyle(host).colorScheme === "dark" || (getComputedStyle(host).colorScheme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
    host.dataset.theme = dark ? "light" : "dark";
  }

  notices() {
    const { meta } = this.pass;
    const lines = [];
    const { truncated, error } = meta;
    if (truncated) {
      const groups = (truncated.groups || []).slice(0, 40).map((g) => h("li", null, g.label + " " + g.op + " ×" + g.count.toLocaleString("en") + (g.flagged ? ", " + g.flagged + " flagged" : "")));
      lines.push(this.windowForm());
      lines.push(h("details", { class: "notice" }, h("summary", null, "Not all of it is here: " + truncated.kept.toLocaleString("en") + " of " + truncated.nodes.toLocaleString("en") + " operations. " + (truncated.reason || "")), h("ul", null, groups)));
    }
    if (error) lines.push(h("p", { class: "notice bad" }, h("b", null, "! " + error.type + ": "), error.message, error.node !== null && error.node !== undefined ? [" at ", this.link(error.node), " (" + this.pass.whereabouts(error.node) + ")"] : null));
    for (const note of meta.notes || []) lines.push(h("p", { class: "notice" }, note));
    return lines;
  }

  /* A live kernel can be asked for another part of a pass that is too long to be here whole. */
  windowForm() {
    if (!this.model.send) return null;
    const around = h("input", { type: "number", min: 0, max: this.pass.meta.total_steps, "aria-label": "step", class: "around" });
    const ask = (event) => {
      event.preventDefault();
      this.ask({ want: "window", around: Number(around.value) }, () => {});
    };
    return h("form", { class: "notice", onsubmit: ask }, "Show the steps around ", around, " ", h("button", { type: "submit" }, "show"));
  }

  controls() {
    const last = this.pass.length;
    this.buttons = {};
    const button = (name, text, title, act) => {
      const icon = svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: ICONS[name] }));
      const made = h("button", { type: "button", class: name === "next" ? "main" : null, title, onclick: act }, icon, h("span", null, text));
      this.buttons[name] = made;
      return made;
    };
    this.slider = h("input", { type: "range", min: 0, max: last, step: 1, value: 0, "aria-label": "step", oninput: () => this.go(Number(this.slider.value)) });
    this.marks = svg("svg", { preserveAspectRatio: "none", "aria-hidden": "true" });
    this.where = h("output");
    return h(
      "nav",
      { class: "controls", "aria-label": "steps" },
      h(
        "div",
        { class: "set" },
        button("first", "First", "before the first step (Home)", () => this.go(0)),
        button("back", "Back", "one step back (←)", () => this.go(this.p - 1)),
        button("next", "Next", "one step (→)", () => this.go(this.p + 1)),
        button("last", "Last", "after the last step (End)", () => this.go(last)),
      ),
      h(
        "div",
        { class: "set" },
        button("over", "Over", "over a module, a source line or a folded group (o)", () => this.over()),
        button("into", "Into", "unfold the next group and step inside (↓)", () => this.into()),
        button("out", "Out", "to the end of the module or group around this step (↑)", () => this.out()),
        button("run", "Run", "to the next step that meets a condition (r)", () => this.run()),
      ),
      h("div", { class: "track" }, this.where, h("div", { class: "rail" }, this.slider, this.marks)),
    );
  }

  markSlider() {
    const { steps, length } = this.pass;
    const marks = [];
    const mark = (p, kind, shape) => marks.push(svg("path", { class: kind, d: shape, transform: "translate(" + (100 * p) / Math.max(1, length) + " 0)" }));
    const seen = new Set();
    const once = (p, act) => {
      const place = Math.round((400 * p) / Math.max(1, length));
      if (!seen.has(place)) act();
      seen.add(place);
    };
    steps.forEach((step, k) => {
      if (step.flags.includes("nan") || step.flags.includes("inf")) once(k + 1, () => mark(k + 1, "flag", "M-.25 0h.5v9h-.5z"));
    });
    for (const p of this.stops.positions) once(p, () => mark(p, "stop", "M-.2 23h.4v9h-.4z"));
    setAttribute(this.marks, "viewBox", "0 0 100 32");
    this.marks.replaceChildren(...marks);
  }

  search() {
    this.found = h("ul", { role: "listbox", "aria-label": "found", hidden: true });
    this.query = h("input", { type: "search", placeholder: "Search  /", "aria-label": "search names, operations, modules and lines" });
    this.query.addEventListener("input", () => this.look());
    this.query.addEventListener("keydown", (event) => {
      const items = Array.from(this.found.children).filter((one) => one.dataset.node);
      const at = items.findIndex((one) => one.getAttribute("aria-selected") === "true");
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        const next = items[at + (event.key === "ArrowDown" ? 1 : -1)];
        if (next) items.forEach((one) => setAttribute(one, "aria-selected", one === next));
        event.preventDefault();
      } else if (event.key === "Enter" && items.length) items[Math.max(0, at)].click();
      else if (event.key === "Escape") this.closeSearch();
    });
    return h("div", { class: "search" }, this.query, this.found);
  }

  look() {
    const { pass } = this;
    const text = this.query.value.trim().toLowerCase();
    const items = [];
    let more = 0;
    for (let i = pass.n - 1; text && i >= 0; i -= 1) {
      if (!pass.matches(i, text)) continue;
      if (items.length === 12) more += 1;
      else items.push(h("li", { role: "option", "aria-selected": items.length === 0, "data-node": String(i), onclick: () => { this.closeSearch(); this.select(i, true); } }, h("code", null, clip(pass.label(i), 40)), h("span", { class: "soft small" }, "  " + clip(pass.expression(i), 50) + "  " + pass.whereabouts(i))));
    }
    if (text && !items.length) items.push(h("li", { class: "soft" }, "nothing found"));
    if (more) items.push(h("li", { class: "soft" }, "and " + plural(more, "more", "more")));
    this.found.replaceChildren(...items);
    this.found.hidden = !text;
  }

  closeSearch() {
    this.query.value = "";
    this.found.hidden = true;
    this.element.focus();
  }

  key(event) {
    const typing = event.target.matches("input:not([type=range]):not([type=checkbox]), select, textarea");
    const acts = {
      ArrowLeft: () => this.go(this.p - 1),
      ArrowRight: () => this.go(this.p + 1),
      ArrowUp: () => this.out(),
      ArrowDown: () => this.into(),
      Home: () => this.go(0),
      End: () => this.go(this.pass.length),
      "/": () => this.query.focus(),
      Escape: () => this.select(null),
      o: () => this.over(),
      r: () => this.run(),
    };
    event.stopPropagation();
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(acts, event.key)) return;
    event.preventDefault();
    acts[event.key]();
  }

  /* Moving ---------------------------------------------------------------------------------- */

  go(p) {
    const next = Math.min(this.pass.length, Math.max(0, p));
    if (next === this.p) return;
    this.p = next;
    this.show();
    this.graph.reveal();
  }

  nodeAt(p) {
    const step = this.pass.steps[p - 1];
    return step ? step.node : null;
  }

  /* Over a whole module, all operations of a source line, or a folded group. */
  over() {
    const next = this.nodeAt(this.p + 1);
    let p = this.p + 1;
    if (next !== null) {
      const inside = this.pass.entered(this.nodeAt(this.p), next);
      const folded = this.folding.foldedAround(next);
      const alike = (i) => i !== null && (inside(i) || (folded >= 0 && this.folding.foldedAround(i) === folded));
      while (alike(this.nodeAt(p + 1))) p += 1;
    }
    this.go(p);
  }

  into() {
    const next = this.nodeAt(this.p + 1);
    const folded = next === null ? -1 : this.folding.foldedAround(next);
    if (folded >= 0) this.toggle(folded);
    this.go(this.p + 1);
  }

  /* To where the module around this step is left, else the group on the screen, else to the end. */
  out() {
    const { pass, folding } = this;
    const at = this.nodeAt(this.p) === null ? this.nodeAt(this.p + 1) : this.nodeAt(this.p);
    const module = at === null ? undefined : pass.scopes(at).pop();
    const inside = (i) => (module === undefined ? folding.within(i, folding.home[at]) : pass.scopes(i).includes(module));
    let p = this.p;
    while (this.nodeAt(p + 1) !== null && inside(this.nodeAt(p + 1))) p += 1;
    this.go(Math.max(p, this.p + 1));
  }

  /* To the next stop; a live kernel has its own, such as Python functions of the state. */
  run() {
    const own = this.stops.after(this.p);
    const end = own === undefined ? this.pass.length : own;
    if (!this.model.send) {
      this.go(end);
      return;
    }
    const { steps } = this.pass;
    this.ask({ want: "run", from: this.p ? steps[Math.min(this.p, steps.length) - 1].k : 0 }, ({ step }) => {
      const there = step === undefined ? -1 : steps.findIndex((one) => one.k >= step);
      this.go(there < 0 ? end : Math.min(end, there + 1));
    });
  }

  /* Showing --------------------------------------------------------------------------------- */

  select(i, reveal = false) {
    this.selected = i;
    if (i !== null && reveal && this.folding.foldedAround(i) >= 0 && this.folding.reveal(i)) this.graph.rebuild();
    this.show();
    if (i !== null && reveal) this.graph.reveal(i);
    if (i !== null) this.node.element.scrollIntoView({ block: "nearest" });
  }

  toggle(group) {
    const { folding } = this;
    if (folding.closed.has(group) && folding.count + folding.size[group] > LARGEST_SCENE) {
      setText(this.graph.keyText, "More than " + LARGEST_SCENE + " boxes would be shown: fold another group first.");
      return;
    }
    folding.toggle(group);
    this.refold();
  }

  unbundle(i) {
    this.folding.unbundle(i);
    this.refold();
  }

  refold() {
    this.graph.rebuild();
    this.show();
    this.graph.reveal();
  }

  show() {
    const { p, pass } = this;
    const step = pass.steps[p - 1];
    const counted = "Step " + pass.number(p).toLocaleString("en") + " of " + pass.meta.total_steps.toLocaleString("en");
    setText(this.where, p > pass.steps.length ? "The update" : counted);
    if (Number(this.slider.value) !== p) this.slider.value = p;
    setAttribute(this.slider, "aria-valuetext", this.where.textContent);
    for (const name of ["first", "back"]) this.buttons[name].disabled = p === 0;
    for (const name of ["next", "last", "over", "into", "out", "run"]) this.buttons[name].disabled = p === pass.length;
    this.graph.update(p, this.selected);
    this.now.update(p);
    this.source.update(step ? step.node : null);
    this.node.update(this.selected, p);
    this.grads.update(p);
    if (this.model.set && this.model.get("step") !== p) {
      this.model.set("step", p);
      if (this.model.save_changes) this.model.save_changes();
    }
  }

  start() {
    this.graph.rebuild();
    const asked = Number(this.model.get("step")) || 0;
    this.p = Math.min(this.pass.length, Math.max(0, asked));
    this.show();
    this.graph.reveal();
  }
}

function render({ model, el }) {
  const host = h("div");
  const root = host.attachShadow({ mode: "open" });
  const theme = model.get("theme");
  if (theme) host.dataset.theme = theme;
  el.append(host);
  let stepper = null;
  const watch = new ResizeObserver(() => stepper.graph.resized());
  const start = () => {
    stepper = new Stepper(model, root);
    root.replaceChildren(h("style", null, model.get("css")), stepper.element);
    stepper.start();
    watch.disconnect();
    watch.observe(stepper.graph.view);
  };
  start();
  model.on("change:step", () => stepper.go(Number(model.get("step"))));
  model.on("change:grouping", start);
  model.on("msg:custom", (reply) => stepper.answered(reply));
  return () => watch.disconnect();
}

export default { render };
