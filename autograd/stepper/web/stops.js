/* Where `run` stops: the conditions, and the steps that meet one. */

class Stops {
  constructor(pass, changed) {
    this.pass = pass;
    this.chosen = { nonfinite: true, above: null, below: null, op: "", module: "", line: "" };
    const unique = (values) => Array.from(new Set(values.filter(Boolean))).sort();
    const stepped = pass.steps.map((step) => step.node);
    this.modules = unique(stepped.map((i) => pass.moduleText(i)));
    this.lines = this.sourceLines(stepped);
    const set = (name, read) => (event) => {
      this.chosen[name] = read(event.target);
      this.find();
      changed();
    };
    const size = (input) => (input.value === "" || Number.isNaN(Number(input.value)) ? null : Number(input.value));
    const field = (label, control) => h("label", null, label, control);
    const norm = (name, label) => field(label, h("input", { type: "number", min: 0, step: "any", name, placeholder: "off", oninput: set(name, size) }));
    const choice = (name, label, values) =>
      values.length ? field(label, h("select", { name, onchange: set(name, (one) => one.value) }, h("option", { value: "" }, "off"), values.map((v) => h("option", { value: Array.isArray(v) ? v[0] : v }, clip(Array.isArray(v) ? v[1] : v, 60))))) : null;
    this.form = h(
      "form",
      { onsubmit: (event) => event.preventDefault() },
      h("label", null, h("input", { type: "checkbox", name: "nonfinite", checked: true, onchange: set("nonfinite", (box) => box.checked) }), "NaN or infinity"),
      norm("above", "norm above "),
      norm("below", "norm below "),
      choice("op", "operation ", unique(stepped.map((i) => pass.nodes.op[i]))),
      choice("module", "module ", this.modules),
      choice("line", "line ", this.lines),
    );
    this.summary = h("summary");
    this.element = h("details", { class: "stops" }, this.summary, this.form);
    this.find();
  }

  sourceLines(stepped) {
    const found = new Map();
    for (const i of stepped) {
      const source = this.pass.source(i);
      if (source) found.set(source.file + ":" + source.line, [source.file, source.line, source.name + ":" + source.line + "  " + source.text.trim()]);
    }
    return Array.from(found).sort((a, b) => a[1][0] - b[1][0] || a[1][1] - b[1][1]).map(([key, [, , text]]) => [key, text]);
  }

  /* Why a step is a stop; empty if it is none. */
  reason(step) {
    const { pass, chosen } = this;
    if (chosen.nonfinite && (step.flags.includes("nan") || step.flags.includes("inf"))) return "not finite";
    if (chosen.above !== null || chosen.below !== null) {
      const sizes = [step.upstream, ...step.edges.map((edge) => edge.contrib)].filter((v) => v !== null).map(norm);
      if (chosen.above !== null && sizes.some((s) => !(s <= chosen.above))) return "norm above " + format(chosen.above);
      if (chosen.below !== null && sizes.some((s) => s < chosen.below)) return "norm below " + format(chosen.below);
    }
    if (chosen.op && pass.nodes.op[step.node] === chosen.op) return "operation " + chosen.op;
    if (chosen.module && pass.moduleText(step.node) === chosen.module) return "module " + chosen.module;
    const source = chosen.line ? pass.source(step.node) : null;
    if (source && source.file + ":" + source.line === chosen.line) return "line " + source.line;
    return "";
  }

  find() {
    this.reasons = this.pass.steps.map((step) => this.reason(step));
    this.positions = this.reasons.flatMap((reason, k) => (reason ? [k + 1] : []));
    const count = this.positions.length;
    setText(this.summary, "Run stops at: " + (count ? plural(count, "step") : "no step, it goes to the end"));
  }

  after(p) {
    return this.positions.find((at) => at > p);
  }
}
