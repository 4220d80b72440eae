/* What is on the screen: autograd/viz/fold.py in JavaScript. Which groups there are (modules, loops
   and their turns, stretches), which leaves are bundled and what is folded at first comes with the
   page, made in Python; here groups and bundles are only opened and closed. */

/* For each group the outermost closed one that it is in or is, else -1. */
function hiddenBy(groups, closed) {
  const hidden = [];
  groups.forEach((group, g) => {
    const outer = group.parent >= 0 ? hidden[group.parent] : -1;
    hidden.push(outer >= 0 ? outer : closed.has(g) ? g : -1);
  });
  return hidden;
}

/* Boxes {nodes, group, home}, lines {source, target, edges} and the box of each node. */
function fold(isOperation, edges, grouping, closed, bundle) {
  const { groups, home } = grouping;
  const hidden = hiddenBy(groups, closed);
  const found = new Map();
  const keyOf = home.map((own, node) => {
    const outer = own >= 0 ? hidden[own] : -1;
    const key = outer >= 0 ? -2 - outer : bundle.length && bundle[node] >= 0 ? bundle[node] : node;
    if (!found.has(key)) found.set(key, { nodes: [], group: outer, home: outer >= 0 ? groups[outer].parent : own });
    found.get(key).nodes.push(node);
    return key;
  });
  const rank = new Map();
  keyOf.forEach((key, node) => {
    if (isOperation(node) && !rank.has(key)) rank.set(key, 2 * node + 1);
  });
  for (const [source, target] of edges) {
    const [key, consumer] = [keyOf[source], keyOf[target]];
    if (key === consumer || isOperation(source)) continue;
    const before = rank.get(consumer) - 1;
    if (!rank.has(key) || before < rank.get(key)) rank.set(key, before);
  }
  const rankOf = (key) => (rank.has(key) ? rank.get(key) : -1);
  const order = Array.from(found.keys()).sort((a, b) => rankOf(a) - rankOf(b) || found.get(a).nodes[0] - found.get(b).nodes[0]);
  const place = new Map(order.map((key, i) => [key, i]));
  const boxes = order.map((key) => found.get(key));
  const boxOf = keyOf.map((key) => place.get(key));
  return { boxes, boxOf, lines: linesOf(boxes, boxOf, edges) };
}

function linesOf(boxes, boxOf, edges) {
  const known = new Map();
  const lines = [];
  edges.forEach(([from, to], e) => {
    const [source, target] = [boxOf[from], boxOf[to]];
    if (source === target) return;
    const single = boxes[source].nodes.length === 1 && boxes[target].nodes.length === 1;
    const key = pair(source, target);
    if (!single && known.has(key)) {
      known.get(key).edges.push(e);
      return;
    }
    const line = { source, target, edges: [e] };
    if (!single) known.set(key, line);
    lines.push(line);
  });
  return lines;
}

class Folding {
  /* `grouping` is {groups: [{kind, title, note, parent, operations}], home, closed, bundle}. */
  constructor(pass, grouping) {
    this.pass = pass;
    this.grouping = grouping;
    this.groups = grouping.groups;
    this.home = grouping.home;
    this.closed = new Set(grouping.closed);
    this.bundle = (grouping.bundle || []).slice();
    this.edges = pass.nodes.inputs.flatMap((inputs, target) => inputs.map(nodeOf).filter((source) => source !== null).map((source) => [source, target]));
    this.positions = this.groups.map(() => []);
    this.size = this.groups.map(() => 0);
    this.home.forEach((own, i) => {
      const position = pass.positionOf.get(i);
      for (let g = own; g >= 0; g = this.groups[g].parent) {
        if (position !== undefined) this.positions[g].push(position);
        if (g === own) this.size[g] += 1;
      }
    });
    for (const group of this.groups) if (group.parent >= 0) this.size[group.parent] += 1;
    for (const positions of this.positions) positions.sort((a, b) => a - b);
  }

  isOperation(i) {
    const kind = this.pass.nodes.kind[i];
    return kind === "op" || kind === "failed";
  }

  /* What is folded now, with the frames of open groups and for each box the frame around it. */
  scene() {
    const folded = fold((i) => this.isOperation(i), this.edges, this.grouping, this.closed, this.bundle);
    const hidden = hiddenBy(this.groups, this.closed);
    const frames = [];
    const frameOf = new Map([[-1, -1]]);
    this.groups.forEach((group, g) => {
      if (hidden[g] >= 0) return;
      frameOf.set(g, frames.length);
      frames.push({ group: g, parent: frameOf.get(group.parent) });
    });
    this.boxOf = folded.boxOf;
    this.count = folded.boxes.length;
    return { ...folded, frames, frame: folded.boxes.map((box) => frameOf.get(box.home)) };
  }

  /* The folded group that stands for a node, or -1. */
  foldedAround(i) {
    let found = -1;
    for (let g = this.home[i]; g >= 0; g = this.groups[g].parent) if (this.closed.has(g)) found = g;
    return found;
  }

  /* Whether a value inside the group, or a gradient that has been there after p steps, is not finite. */
  hasTrouble(group, p) {
    if (!this.bad) this.bad = this.findTrouble();
    return this.bad[group] <= p;
  }

  findTrouble() {
    const bad = this.groups.map(() => Infinity);
    const note = (i, p) => {
      for (let g = this.home[i]; g >= 0; g = this.groups[g].parent) bad[g] = Math.min(bad[g], p);
    };
    this.home.forEach((_, i) => { if (trouble(this.pass.value(i))) note(i, 0); });
    this.pass.steps.forEach((step, k) => {
      if (step.flags.includes("nan") || step.flags.includes("inf")) note(step.node, k + 1);
    });
    return bad;
  }

  /* Whether node i is in the group or in one inside it; the group -1 holds everything. */
  within(i, group) {
    let g = this.home[i];
    while (g >= 0 && g !== group) g = this.groups[g].parent;
    return g === group;
  }

  toggle(group) {
    if (this.closed.has(group)) this.closed.delete(group);
    else this.closed.add(group);
  }

  unbundle(first) {
    this.bundle = this.bundle.map((one) => (one === first ? -1 : one));
  }

  /* Unfolds whatever hides node i; says whether anything did. */
  reveal(i) {
    const before = this.closed.size;
    for (let g = this.home[i]; g >= 0; g = this.groups[g].parent) this.closed.delete(g);
    const bundled = this.bundle.length > 0 && this.bundle[i] >= 0;
    if (bundled) this.unbundle(this.bundle[i]);
    return bundled || this.closed.size < before;
  }
}
