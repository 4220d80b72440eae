/* The right-hand side: what this step did, in which line, to which tensors, and what is known so
   far. Each panel redraws itself from (pass, position); none of them keeps a state of the pass. */

function gradText(gradient) {
  return gradient === null ? "not computed yet" : summary(gradient);
}

function gradNode(gradient) {
  return h("span", { class: gradient === null ? "soft" : trouble(gradient) ? "num bad" : "num g" }, gradText(gradient));
}

function section(name, title, ...children) {
  return h("section", { class: name, "aria-label": title }, h("h2", null, title), ...children);
}

/* "∂L/∂b += g · a = −0.277 × 2 = −0.553 (was …)" without its head and what is in brackets: the
   numbers before and after have a line of their own. */
function equations(pass, edge) {
  const head = "∂" + pass.target + "/∂" + pass.receiver(edge) + " += ";
  let text = edge.text;
  const end = text.lastIndexOf(" (was ");
  if (end >= 0) text = text.slice(0, end);
  return (text.startsWith(head) ? text.slice(head.length) : text).split(" = ");
}

const FEW = 4;
const MOST_UPDATES = 60;

class NowPanel {
  constructor(pass, act) {
    Object.assign(this, { pass, act });
    this.title = h("h2");
    this.live = h("p", { class: "unseen", "aria-live": "polite" });
    this.body = h("div");
    this.element = h("section", { class: "now", "aria-label": "this step" }, this.title, this.live, this.body);
  }

  update(p) {
    const { pass } = this;
    const step = p > 0 && p <= pass.steps.length ? pass.steps[p - 1] : null;
    if (step) this.showStep(p, step);
    else if (p > 0) this.showUpdate();
    else this.showStart();
  }

  showStart() {
    const { pass } = this;
    const before = pass.number(0);
    setText(this.title, before ? "After step " + before.toLocaleString("en") : "Before the first step");
    const name = pass.target;
    const lines = [];
    if (before) {
      lines.push(h("p", { class: "lead" }, plural(before, "step") + " came before what is shown here. ", h("b", null, "Next"), " goes on from there."));
    } else if (pass.steps.length) {
      lines.push(
        h("p", { class: "lead" }, "Backpropagation starts at the end: how much does ", h("code", { class: "v" }, name), " change with itself?"),
        h("p", { class: "equation" }, h("span", { class: "lhs" }, "∂" + name + "/∂" + name), " = ", gradNode(pass.gradient(nodeOf(pass.meta.roots[0]), 0))),
        h("p", { class: "soft" }, "Each step takes one operation, newest first, and passes its gradient g on to the operation's inputs: g times the local derivative is added to each."),
        h("p", { class: "hint" }, "Press ", h("b", null, "Next"), " or → for the first step. Click a box or a name to see its value and why its gradient is what it is, a cell of a gradient to see the sum behind it."),
      );
    } else lines.push(h("p", { class: "lead" }, "Nothing to step: ", h("code", { class: "v" }, name), " is a leaf, no operation made it. Its gradient is the seed, ", gradNode(pass.gradient(nodeOf(pass.meta.roots[0]), 0)), "."));
    this.body.replaceChildren(...lines);
    setText(this.live, "Before the first step. " + pass.steps.length + " steps.");
  }

  showStep(p, step) {
    const { pass } = this;
    const i = step.node;
    setText(this.title, "Step " + step.k.toLocaleString("en") + " of " + pass.meta.total_steps.toLocaleString("en"));
    const made = pass.label(i) + " = " + pass.expression(i);
    const lines = [h("p", { class: "lead" }, h("code", { class: "v made" }, made), this.valueNote(i))];
    if (step.upstream === null) {
      lines.push(h("p", null, "No gradient arrives here: ", h("code", null, pass.target), " does not depend on this result in any way that can be differentiated, so there is nothing to pass on."));
    } else {
      lines.push(h("p", { class: "upstream" }, h("b", { class: "g" }, "g"), " = ∂" + pass.target + "/∂" + pass.label(i) + " = ", gradNode(step.upstream), this.partsNote(i, p)));
      const edges = step.edges.length > FEW ? [...step.edges].sort((a, b) => norm(b.contrib) - norm(a.contrib)) : step.edges;
      lines.push(...edges.slice(0, FEW).map((edge) => this.contribution(p, step, edge)));
      if (edges.length > FEW) lines.push(this.others(p, step, edges.slice(FEW)));
      if (!step.edges.length) lines.push(h("p", { class: "soft" }, "Nothing is passed on: no input of this operation needs a gradient."));
    }
    lines.push(...this.flagNotes(step));
    this.body.replaceChildren(...lines);
    setText(this.live, "Step " + step.k + ": " + made + ". " + step.edges.map((edge) => edge.text).join(". "));
  }

  /* The contributions after the first few, made when they are asked for. */
  others(p, step, edges) {
    const box = h("details", { class: "others" }, h("summary", null, plural(edges.length, "smaller contribution")));
    box.addEventListener("toggle", () => {
      if (box.children.length === 1) box.append(...edges.map((edge) => this.contribution(p, step, edge)));
    });
    return box;
  }

  valueNote(i) {
    const value = this.pass.value(i);
    if (value === null) return null;
    return h("span", { class: "soft" }, " = ", h("span", { class: trouble(value) ? "num bad" : "num" }, summary(value)));
  }

  partsNote(i, p) {
    const { parts } = this.pass.progress(i, p);
    const text = parts > 1 ? "complete: all " + parts + " parts have arrived" : "complete";
    return h("span", { class: "soft" }, " (" + text + ")");
  }

  flagNotes(step) {
    const notes = [];
    if (step.flags.includes("nan")) notes.push("There is a NaN in this step’s gradients.");
    if (step.flags.includes("inf")) notes.push("There is an infinity in this step’s gradients.");
    if (step.flags.includes("hook")) notes.push("A hook replaced the gradient that had arrived.");
    const found = this.pass.firstBad;
    const lines = notes.map((note) => h("p", { class: "flagnote" }, h("b", null, "! "), note));
    if (found && found.forward !== null && (step.flags.includes("nan") || step.flags.includes("inf"))) {
      const where = this.pass.whereabouts(found.forward);
      lines.push(h("p", { class: "flagnote" }, "In the forward pass, the first value that is not finite is ", this.act.link(found.forward), where ? " (" + where + ")." : "."));
    }
    return lines;
  }

  contribution(p, step, edge) {
    const { pass } = this;
    const scalar = isScalar(edge.contrib);
    const parts = equations(pass, edge);
    const result = scalar ? parts.length - 1 : -1;
    const equation = h(
      "p",
      { class: "equation" },
      h("span", { class: "lhs" }, "∂" + pass.target + "/∂", this.act.link(edge.to, pass.receiver(edge))),
      h("span", { class: "plus" }, " += "),
      parts.slice(0, scalar ? parts.length : 1).map((part, k) => h("span", { class: k === result ? "term result g" : "term" }, (k ? "= " : "") + part)),
    );
    const local = scalar && isScalar(edge.local)
      ? h("p", { class: "soft small" }, "local derivative ∂" + pass.label(step.node) + "/∂" + pass.receiver(edge) + " = ", h("b", { class: "v" }, format(edge.local)))
      : null;
    const rest = pass.progress(edge.to, p);
    const more = pass.meta.truncated ? 0 : pass.why(edge.to, p).filter((one) => !one.arrived).length;
    const now = scalar
      ? h("p", { class: "sum" }, h("span", { class: "soft" }, "was "), gradNode(edge.before), h("span", { class: "soft" }, " → now "), h("b", null, gradNode(edge.after)), more && rest.parts > 1 ? h("span", { class: "soft" }, " · " + plural(more, "part") + " still to come") : null)
      : null;
    return h("div", { class: "contribution" }, equation, local, now, scalar ? null : this.tensors(p, step, edge, more));
  }

  /* The heat maps of a contribution, with the sum behind the element that is clicked. */
  tensors(p, step, edge, more) {
    const { ask } = this.act;
    const left = more ? h("p", { class: "soft small" }, plural(more, "part") + " still to come") : null;
    if (edge.contrib.stats && edge.contrib.stats.zero === edge.contrib.n) {
      const was = edge.before === null ? " (was not computed yet)" : ", which changes nothing";
      return [h("p", { class: "sum" }, h("b", { class: "g" }, "added now"), " ", h("span", { class: "soft" }, shapeText(edge.contrib.shape)), ": zeros" + was), left];
    }
    const answer = h("div", { class: "answer", "aria-live": "polite" });
    const pick = edge.expand || ask ? (flat, index) => this.explain(answer, step, edge, index) : null;
    const readout = h("p", { class: "readout soft", "data-shared": "yes" });
    const map = (what, title, options) => {
      const whole = (then) => ask({ want: "tensor", step: step.k, edge: step.edges.indexOf(edge), what }, then);
      return heat(edge[what], { title, kind: "g", whole: ask ? whole : null, readout, ...options });
    };
    const sign = (text) => h("span", { class: "plusbig", "aria-hidden": "true" }, text);
    const say = (text) => answer.replaceChildren(h("p", { class: "equation" }, text));
    const added = map("contrib", "added now", { pick, sums: edge.sums, say });
    const local = shapeOf(edge.local).join() === shapeOf(edge.contrib).join() && !isScalar(edge.local) && edge.local;
    const made = local ? [heat(step.upstream, { title: "g", kind: "g", readout }), sign("×"), heat(local, { title: "local derivative", kind: "v", readout }), sign("="), added] : [added];
    const maps = edge.before === null ? made : [...made, h("span", { class: "break" }), map("before", "before"), sign("+ this ="), map("after", "now")];
    if (edge.before === null) maps.push(h("span", { class: "soft small" }, "(was not computed yet)"));
    const hint = pick && entries(edge.contrib) ? h("p", { class: "soft small" }, "Click an element to see the sum behind it.") : null;
    return [h("div", { class: "maps" }, maps), readout, left, answer, hint];
  }

  explain(answer, step, edge, index) {
    const { pass } = this;
    const { ask } = this.act;
    const found = expand(pass, step, edge, index);
    const lhs = "∂" + pass.target + "/∂" + pass.label(edge.to) + placeText(index) + " += ";
    const say = (text) => answer.replaceChildren(h("p", { class: "soft" }, text));
    if ((!found || found.missing) && ask) {
      const question = { want: "element", step: step.k, edge: step.edges.indexOf(edge), index };
      ask(question, ({ text, error }) => say(text || error));
      return;
    }
    if (!found || found.missing) {
      const why = found ? "the page does not hold all entries of " + found.missing : "the page does not hold its terms";
      say(lhs + "… " + why + "; in Python, stepper.element() has them.");
      return;
    }
    const all = entries(edge.contrib);
    answer.replaceChildren(
      h(
        "p",
        { class: "equation" },
        h("span", { class: "lhs" }, lhs),
        h("span", { class: "term" }, found.sum),
        h("span", { class: "term" }, "= " + (found.pairs.length ? termsText(found.pairs) : "0 (no term)")),
        h("span", { class: "term result g" }, "= " + format(all[flatOf(index, shapeOf(edge.contrib))])),
      ),
    );
  }

  showUpdate() {
    const { update } = this.pass;
    setText(this.title, "Last step: the optimizer");
    const options = Object.entries(update.options || {}).filter(([, value]) => value).map(([name, value]) => name + " = " + value).join(", ");
    const { params } = update;
    const shown = params.slice(0, MOST_UPDATES).map((one, k) => this.updated(one, k < FEW));
    this.body.replaceChildren(
      h("p", { class: "lead" }, "The gradients are complete. ", h("b", null, update.optimizer), " now moves every parameter against its gradient:"),
      ...update.rule.split("; ").map((line) => h("p", { class: "equation" }, line)),
      options ? h("p", { class: "soft" }, "with " + options) : "",
      ...shown,
      params.length > shown.length ? h("p", { class: "soft" }, "and " + plural(params.length - shown.length, "more parameter")) : "",
    );
    setText(this.live, "Last step: " + update.optimizer + ", " + update.rule);
  }

  updated(one, open) {
    const label = one.node === null || one.node === undefined ? one.name : this.act.link(one.node);
    const terms = (one.terms || []).filter((term) => term.name !== one.name).map((term) => h("p", { class: "small soft" }, term.text + " = ", h("span", { class: "num" }, summary(term.value))));
    if (isScalar(one.before)) return h("div", { class: "contribution" }, terms, h("p", { class: "equation" }, h("span", { class: "term" }, one.text)));
    const maps = () => h("div", { class: "maps" }, heat(one.before, { title: "before" }), h("span", { class: "plusbig", "aria-hidden": "true" }, "→"), heat(one.after, { title: "after" }));
    const last = (one.terms || []).filter((term) => term.name === one.name).pop();
    const head = h("p", { class: "equation" }, label, h("span", { class: "soft" }, " " + shapeText(one.before.shape)));
    const moved = h("p", { class: "sum" }, last ? last.text : one.text);
    if (open) return h("div", { class: "contribution" }, head, terms, moved, maps());
    const box = h("details", null, h("summary", { class: "soft small" }, "its values before and after"));
    box.addEventListener("toggle", () => {
      if (box.children.length === 1) box.append(maps());
    });
    return h("div", { class: "contribution" }, head, terms, moved, box);
  }
}

class SourcePanel {
  constructor(pass) {
    this.pass = pass;
    this.where = h("p", { class: "soft small" });
    this.code = h("pre", { class: "code" });
    this.element = section("source", "Made by this line", this.where, this.code);
  }

  update(i) {
    const { pass } = this;
    const source = i === null ? null : pass.source(i);
    this.element.hidden = source === null;
    setText(this.where, "");
    this.code.replaceChildren();
    if (!source) return;
    setText(this.where, pass.whereabouts(i));
    const letters = Array.from(source.text);
    const indent = source.text.length - source.text.trimStart().length;
    const end = source.endLine === source.line ? source.to : letters.length;
    const from = Math.min(source.from, letters.length);
    this.code.replaceChildren(
      h("span", { class: "lineno" }, source.line + "  "),
      letters.slice(Math.min(indent, from), from).join(""),
      h("mark", null, letters.slice(from, end).join("")),
      letters.slice(end).join("") + (source.endLine > source.line ? " …" : ""),
    );
  }
}

/* The node that was clicked: its value, its gradient so far, and why that is what it is. */
class NodePanel {
  constructor(pass, act) {
    Object.assign(this, { pass, act });
    this.body = h("div");
    this.title = h("h2");
    this.element = h("section", { class: "node", "aria-label": "selected tensor" }, this.title, this.body);
  }

  update(i, p) {
    this.element.hidden = i === null;
    this.body.replaceChildren();
    if (i === null) return;
    const { pass, act } = this;
    const { nodes } = pass;
    setText(this.title, nodes.kind[i] === "leaf" ? "Parameter" : nodes.kind[i] === "data" ? "Constant" : "Selected");
    const position = pass.positionOf.get(i);
    const value = pass.value(i);
    const lines = [
      h(
        "p",
        { class: "lead" },
        h("code", { class: "v" }, pass.label(i)),
        nodes.kind[i] === "op" ? h("span", { class: "soft" }, " = " + pass.expression(i)) : null,
        h("button", { type: "button", class: "plain close", "aria-label": "close", onclick: () => act.select(null) }, "close"),
      ),
      h("p", { class: "soft small" }, pass.whereabouts(i)),
    ];
    if (position !== undefined) lines.push(h("p", { class: "small" }, h("button", { type: "button", class: "plain link", onclick: () => act.go(position) }, "go to its step (" + pass.steps[position - 1].k + ")")));
    lines.push(...this.tensor("value", value, "v"));
    if (!pass.isConstant(i)) {
      const gradient = pass.gradient(i, p);
      lines.push(h("p", null, "∂" + pass.target + "/∂" + pass.label(i) + " so far: ", gradNode(gradient)));
      if (gradient && !isScalar(gradient) && !gradient.results) lines.push(heat(gradient, { title: "gradient so far", kind: "g" }));
      lines.push(...this.reasons(i, p));
    } else lines.push(h("p", { class: "soft" }, "A constant: no gradient flows to it."));
    this.body.replaceChildren(...lines);
  }

  tensor(title, value, kind) {
    if (value === null) return [h("p", { class: "soft" }, "The value was not kept. Record with autograd.trace() to see it.")];
    if (value.results) return value.results.flatMap((part, k) => this.tensor(title + " " + k, part, kind));
    if (isScalar(value)) return [h("p", null, title + " ", h("span", { class: "num v" }, format(value, 6)))];
    return [heat(value, { title, kind }), h("p", { class: "soft small" }, statistics(value))];
  }

  reasons(i, p) {
    const { pass, act } = this;
    const all = pass.why(i, p);
    const before = pass.nodes.grad_before[i];
    const lines = [];
    if (all.length) {
      lines.push(
        h("h3", null, "Why? " + plural(all.length, "contribution") + ", the largest first"),
        h(
          "ol",
          { class: "why" },
          all.slice(0, 30).map(({ at, step, edge, share, size, arrived }) =>
            h(
              "li",
              { class: arrived ? "" : "soft" },
              h("button", { type: "button", class: "plain link", onclick: () => act.go(at) }, "step " + step.k),
              " ",
              h("code", null, pass.expression(step.node)),
              h("span", { class: "num " + (arrived ? "g" : "") }, " " + (!arrived ? "still to come" : isScalar(edge.contrib) ? format(edge.contrib) : "norm " + format(size))),
              h("span", { class: "bar", "aria-hidden": "true" }, h("i", { style: "width:" + Math.round(share * 100) + "%" })),
              h("span", { class: "soft small" }, arrived ? Math.round(share * 100) + " % " : "", pass.whereabouts(step.node)),
            ),
          ),
        ),
      );
      if (all.length > 30) lines.push(h("p", { class: "soft" }, "… and " + plural(all.length - 30, "smaller one")));
    } else if (!pass.seeds.has(i)) lines.push(h("p", { class: "soft" }, "Nothing contributes to it."));
    if (before !== null && before !== undefined) lines.push(h("p", { class: "soft small" }, ".grad holds " + summary(before) + " already; commit() adds to it."));
    return lines;
  }
}

const MOST_ROWS = 60;

class GradientsPanel {
  constructor(pass, act) {
    Object.assign(this, { pass, act });
    this.rows = pass.leaves.slice(0, MOST_ROWS).map((i) => {
      const gradient = h("td", { class: "num" });
      const parts = h("td", { class: "soft small" });
      const name = h("button", { type: "button", class: "plain link", onclick: () => act.select(i) }, h("code", null, clip(pass.label(i), 40)));
      const row = h("tr", null, h("th", { scope: "row" }, name), h("td", { class: "num v" }, pass.value(i) === null ? "—" : isScalar(pass.value(i)) ? format(pass.value(i)) : shapeText(pass.nodes.shape[i])), gradient, parts);
      return { i, gradient, parts, row };
    });
    const head = h("tr", null, ["tensor", "value", "∂" + pass.target + "/∂tensor", ""].map((text) => h("th", { scope: "col" }, text)));
    const more = pass.leaves.length - this.rows.length;
    this.element = section(
      "grads",
      "Gradients so far",
      pass.leaves.length ? h("table", null, h("thead", null, head), h("tbody", null, this.rows.map((row) => row.row))) : h("p", { class: "soft" }, "No leaf requires a gradient."),
      more > 0 ? h("p", { class: "soft small" }, plural(more, "more leaf", "more leaves") + ": search with /") : null,
    );
  }

  update(p) {
    const { pass } = this;
    for (const { i, gradient, parts, row } of this.rows) {
      const g = pass.gradient(i, p);
      const { state, arrived, parts: all } = pass.progress(i, p);
      setText(gradient, g === null ? "not computed yet" : isScalar(g) ? format(g) : trouble(g) || "norm " + format(norm(g)));
      setAttribute(gradient, "class", g === null ? "soft" : trouble(g) ? "num bad" : "num g");
      setText(parts, all === 0 ? "never reached" : state === "done" ? "✓ complete" : pass.meta.truncated ? (g === null ? "" : "so far") : arrived + " of " + all + " parts");
      const touched = p > 0 && (pass.arrivals.get(i) || []).some((one) => one.at === p);
      setAttribute(row, "class", touched ? "touched" : null);
    }
  }
}
