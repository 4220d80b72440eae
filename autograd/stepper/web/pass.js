/* `Pass`: the trace, indexed. Every question is about a position p, "after p steps", and is
   answered from the record alone, so that stepping back gives exactly what stepping forth gave. */

const INFIX = { "*": "·", "-": "−", "@": "@", "+": "+", "/": "/", "**": "^" };

function nodeOf(reference) {
  return Array.isArray(reference) ? reference[0] : reference;
}

function resultOf(reference) {
  return Array.isArray(reference) ? reference[1] : 0;
}

class Pass {
  constructor(data) {
    this.meta = data.meta || {};
    this.nodes = data.nodes;
    this.steps = data.steps;
    this.files = data.files || [];
    this.modules = data.modules || [];
    this.update = data.update || null;
    this.firstBad = data.first_bad || null;
    this.n = this.nodes.inputs.length;
    this.length = this.steps.length + (this.update ? 1 : 0);
    this.target = this.meta.title || "L";
    this.arrivals = new Map();
    this.positionOf = new Map();
    this.consumers = Array.from({ length: this.n }, () => []);
    this.seeds = new Map();
    (this.meta.roots || []).forEach((root, k) => {
      this.seeds.set(nodeOf(root), { result: resultOf(root), value: (this.meta.seeds || [])[k] });
    });
    this.steps.forEach((step, k) => {
      this.positionOf.set(step.node, k + 1);
      for (const edge of step.edges) {
        if (!this.arrivals.has(edge.to)) this.arrivals.set(edge.to, []);
        this.arrivals.get(edge.to).push({ at: k + 1, step, edge });
      }
    });
    this.nodes.inputs.forEach((inputs, i) => {
      inputs.forEach((input, slot) => {
        if (nodeOf(input) !== null) this.consumers[nodeOf(input)].push({ node: i, slot });
      });
    });
    this.leaves = [];
    for (let i = 0; i < this.n; i += 1) {
      if (this.nodes.kind[i] === "leaf" && this.nodes.needs_grad[i]) this.leaves.push(i);
    }
  }

  label(i) {
    return this.nodes.label[i];
  }

  /* What an edge adds to: a node, or one result of several, as in "split_2[1]". */
  receiver({ to, result }) {
    return this.label(to) + (this.nodes.results[to] ? "[" + (result || 0) + "]" : "");
  }

  isConstant(i) {
    return !this.nodes.needs_grad[i];
  }

  value(i) {
    return this.nodes.value[i];
  }

  operand(input) {
    const i = nodeOf(input);
    if (i === null) return "…";
    const value = this.value(i);
    if (this.isConstant(i) && !this.nodes.name[i] && isScalar(value)) return format(value);
    return this.label(i) + (Array.isArray(input) ? "[" + input[1] + "]" : "");
  }

  /* How a node was made, such as "a · b", "tanh(h)" or "sum(x, axes=(1,))". */
  expression(i) {
    const operands = this.nodes.inputs[i].map((input) => this.operand(input));
    const symbol = INFIX[this.nodes.symbol[i]];
    if (symbol && operands.length === 2) return operands.join(" " + symbol + " ");
    if (symbol === "−" && operands.length === 1) return symbol + operands[0];
    const args = Object.entries(this.nodes.args[i]).map(([name, value]) => name + "=" + value);
    const many = operands.length > 6 ? [...operands.slice(0, 3), "… " + (operands.length - 4) + " more …", ...operands.slice(-1)] : operands;
    return this.nodes.op[i] + "(" + many.concat(args).join(", ") + ")";
  }

  /* The gradient of node i after p steps; null while nothing has arrived. */
  gradient(i, p) {
    const results = this.nodes.results[i];
    if (!results) return this.resultGradient(i, 0, p);
    const parts = results.map((_, k) => this.resultGradient(i, k, p));
    return parts.every((part) => part === null) ? null : { results: parts };
  }

  resultGradient(i, result, p) {
    const all = this.arrivals.get(i) || [];
    for (let k = all.length - 1; k >= 0; k -= 1) {
      if (all[k].at <= p && (all[k].edge.result || 0) === result) return all[k].edge.after;
    }
    const coming = all.find(({ edge }) => (edge.result || 0) === result);
    if (coming && coming.edge.before !== null) return coming.edge.before; /* of a pass that is here in part */
    const seed = this.seeds.get(i);
    return seed && seed.result === result ? seed.value : null;
  }

  /* How far node i is: constant, waiting, partial, complete or done; and its parts so far. */
  progress(i, p) {
    if (this.isConstant(i)) return { state: "constant", arrived: 0, parts: 0 };
    const all = this.arrivals.get(i) || [];
    const seeded = this.seeds.has(i) ? 1 : 0;
    let arrived = seeded;
    for (const one of all) if (one.at <= p) arrived += 1;
    const parts = all.length + seeded;
    const own = this.positionOf.get(i);
    if (own !== undefined && own <= p) return { state: "done", arrived, parts };
    if (arrived === 0 && this.resultGradient(i, 0, p) === null) return { state: "waiting", arrived, parts };
    if (arrived < parts || (this.meta.truncated && this.number(p) < this.meta.total_steps)) return { state: "partial", arrived, parts };
    return { state: this.nodes.leaf[i] ? "done" : "complete", arrived, parts };
  }

  /* The number of the step after which position p is: another one where steps were left out. */
  number(p) {
    if (!this.steps.length) return 0;
    return p > 0 ? this.steps[Math.min(p, this.steps.length) - 1].k : this.steps[0].k - 1;
  }

  source(i) {
    const src = this.nodes.src[i];
    if (!src) return null;
    const [file, line, from, endLine, to] = src;
    const { name, lines } = this.files[file];
    return { file, name, line, from, endLine, to, text: lines[line] || "" };
  }

  module(i) {
    const at = this.nodes.module[i];
    return at === null ? null : this.modules[at];
  }

  moduleText(i) {
    const [top] = this.scopes(i);
    const module = this.module(i);
    if (!module) return "";
    const path = [this.modules[top].name, module.path].filter(Boolean).join(".");
    return path ? path + " (" + module.type + ")" : module.type;
  }

  turn(i) {
    const turn = this.nodes.iteration[i];
    return turn ? "turn " + turn[0] + " of " + turn[1] : "";
  }

  /* "model.l1 (Linear) · train.py, line 12 · turn 3 of 8" */
  whereabouts(i) {
    const source = this.source(i);
    const line = source ? source.name + ", line " + source.line : "";
    return [this.moduleText(i), line, this.turn(i)].filter(Boolean).join(" · ");
  }

  /* The modules around node i, the outermost first. */
  scopes(i) {
    const found = [];
    for (let k = this.nodes.module[i]; k !== null && k >= 0; k = this.modules[k].parent) found.unshift(k);
    return found;
  }

  /* What tells whether a node belongs to what is entered with node `to` after node `from`: a module,
     else the operations of one source line in one turn. */
  entered(from, to) {
    const current = from === null ? [] : this.scopes(from);
    const coming = this.scopes(to);
    const depth = coming.findIndex((scope, k) => scope !== current[k]);
    if (depth >= 0) return (i) => this.scopes(i).includes(coming[depth]);
    const place = (i) => {
      const source = this.source(i);
      return source && [source.file, source.line, this.turn(i), this.nodes.module[i]].join(" ");
    };
    return (i) => place(to) !== null && place(i) === place(to);
  }

  /* Contributions to node i up to p, the largest first. */
  why(i, p) {
    const all = (this.arrivals.get(i) || []).map((one) => ({ ...one, size: norm(one.edge.contrib), arrived: one.at <= p }));
    const total = all.reduce((sum, one) => sum + (Number.isFinite(one.size) ? one.size : 0), 0);
    for (const one of all) one.share = total > 0 ? one.size / total : 0;
    const rank = (one) => (Number.isNaN(one.size) ? Infinity : one.size);
    return all.sort((a, b) => rank(b) - rank(a) || a.at - b.at);
  }

  /* Whether a name, operation, module or line of node i matches what is searched for. */
  matches(i, text) {
    const source = this.source(i);
    const line = /^(?:line\s*|:)(\d+)$/.exec(text);
    if (line) return source !== null && source.line === Number(line[1]);
    const all = [this.label(i), this.nodes.op[i], this.moduleText(i), source ? source.text : ""];
    return all.some((one) => one.toLowerCase().includes(text));
  }
}
