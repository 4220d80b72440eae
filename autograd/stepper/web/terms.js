/* One element of a contribution as the sum behind it. docs/trace.md, "expand", has the rules; what
   a trace does not hold in full is not guessed. */

const SHOWN_TERMS = 8;

function flatOf(index, shape) {
  return index.reduce((flat, place, axis) => flat * shape[axis] + place, 0);
}

function factor(value) {
  const text = format(value, 4);
  return text.startsWith("−") ? "(" + text + ")" : text;
}

/* {sum: what is summed, terms: [[factor, g]], count} or {missing: whose entries are not kept}. */
function expand(pass, step, edge, index) {
  const how = edge.expand;
  if (!how) return null;
  if (how.kind === "terms") {
    const found = fromTerms(step, how.terms[flatOf(index, shapeOf(edge.contrib))]);
    return { ...found, sum: linearSum(pass, step, edge, index) || found.sum };
  }
  if (how.kind === "matmul") return fromProduct(pass, step, edge, index);
  return fromElements(pass, step, edge, index);
}

function fromTerms(step, terms) {
  const pairs = [];
  for (const [k, local] of terms) {
    const [result, flat] = Array.isArray(k) ? k : [0, k];
    const upstream = step.upstream.results ? step.upstream.results[result] : step.upstream;
    const all = entries(upstream);
    if (!all) return { missing: "g" };
    pairs.push([local, all[flat], placeText(unravel(flat, shapeOf(upstream)))]);
  }
  const sum = pairs.length === 1 ? "local · g" + pairs[0][2] : "Σ local · g";
  return { sum, pairs };
}

/* The sum of a linear layer on a batch, y = x Wᵀ + b, with the names of its operands. */
function linearSum(pass, step, edge, [i, j]) {
  if (pass.nodes.op[step.node] !== "linear" || shapeOf(step.upstream).length !== 2) return "";
  const [x, w] = pass.nodes.inputs[step.node].map((input) => pass.operand(input));
  if (edge.slot === 0) return "Σₖ " + w + "[k, " + j + "] · g[" + i + ", k]";
  if (edge.slot === 1) return "Σₖ " + x + "[k, " + j + "] · g[k, " + i + "]";
  return "Σₖ g[k, " + i + "]";
}

function fromProduct(pass, step, edge, [i, j]) {
  const { other } = edge.expand;
  const name = pass.label(other);
  const value = pass.value(other);
  const g = step.upstream;
  if (!entries(g)) return { missing: "g" };
  if (!value || !entries(value)) return { missing: name };
  const first = edge.slot === 0;
  const count = first ? shapeOf(g)[1] : shapeOf(g)[0];
  const pairs = [];
  for (let k = 0; k < count; k += 1) {
    pairs.push(first
      ? [broadcastEntry(value, [j, k]), broadcastEntry(g, [i, k])]
      : [broadcastEntry(value, [k, i]), broadcastEntry(g, [k, j])]);
  }
  const sum = first ? "Σₖ " + name + "[" + j + ", k] · g[" + i + ", k]" : "Σₖ " + name + "[k, " + i + "] · g[k, " + j + "]";
  return { sum, pairs };
}

/* Every element of the result that broadcasting made of this one adds local · g. */
function fromElements(pass, step, edge, index) {
  const g = step.upstream;
  const all = entries(g);
  if (!all) return { missing: "g" };
  if (edge.local === null || !entries(edge.local)) return { missing: "the local derivative" };
  const out = shapeOf(g);
  const own = shapeOf(edge.contrib);
  const skipped = out.length - own.length;
  const pairs = [];
  for (let flat = 0; flat < all.length; flat += 1) {
    const place = unravel(flat, out);
    const meets = own.every((size, axis) => size === 1 || place[axis + skipped] === index[axis]);
    if (meets) pairs.push([broadcastEntry(edge.local, place), all[flat], placeText(place)]);
  }
  const sum = pairs.length === 1 ? "local · g" + pairs[0][2] : "Σ local · g, over the " + pairs.length + " copies that broadcasting made";
  return { sum, pairs };
}

function termsText(pairs) {
  const shown = pairs.slice(0, SHOWN_TERMS).map(([local, g]) => factor(local) + " × " + factor(g));
  const rest = pairs.length - shown.length;
  return shown.join(" + ") + (rest > 0 ? " + … (" + plural(rest, "more term") + ")" : "");
}
