/* Where boxes and edges go: autograd/viz/layout.py, level.py and ordering.py in JavaScript, held to
   the same coordinates by tests/data/layout. What is done and why is said there. */

const GAP = 34;
const BORDER_GAP = 22;
const SEP = 14;
const LANE = 9;
const PAD = 12;
const TITLE = 18;
const NEARLY = 5;
const LEAF_WEIGHT = 1;
const SIDE_WEIGHT = 4;
const EDGE_WEIGHT = 64;
const LANE_WEIGHT = 256;
const SWEEPS = 4;
const SPREAD = 9;

const pair = (a, b) => a * 67108864 + b;
const half = (x) => Math.floor(x / 2);
const lists = (n) => Array.from({ length: n }, () => []);
const most = (values) => values.reduce((a, b) => (b > a ? b : a), 0);

/* For rows 1, 2, ... with `forward`, else for the last but one, ..., 0. */
function eachRow(rows, forward, act) {
  if (forward) for (let r = 1; r < rows.length; r += 1) act(rows[r]);
  else for (let r = rows.length - 2; r >= 0; r -= 1) act(rows[r]);
}

function bisectRight(sorted, x) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = half(low + high);
    if (x < sorted[middle]) high = middle;
    else low = middle + 1;
  }
  return low;
}

function crossings(rows, after) {
  const place = new Array(after.length).fill(0);
  for (const row of rows) row.forEach((v, i) => { place[v] = i; });
  let count = 0;
  for (const row of rows) {
    const arrived = [];
    for (const v of row) {
      const leaving = after[v].map(([w, arrive, leave]) => [leave, place[w] * 65536 + arrive]);
      leaving.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      for (const [, target] of leaving) {
        const i = bisectRight(arrived, target);
        count += arrived.length - i;
        arrived.splice(i, 0, target);
      }
    }
  }
  return count;
}

function sortRow(row, neighbours, breadth, place) {
  const key = new Map();
  row.forEach((v, i) => {
    let total = 0;
    for (const [u, contact] of neighbours[v]) total += place[u] + contact / (breadth[u] + 1);
    const many = neighbours[v].length;
    key.set(v, many ? total / many : i + 0.5);
  });
  row.sort((a, b) => key.get(a) - key.get(b));
  row.forEach((v, i) => { place[v] = i; });
}

function ordered(rank, lanes, before, after, breadth) {
  let rows = lists(rank.reduce((a, b) => Math.max(a, b), -1) + 1);
  const laneOf = new Map();
  for (const lane of lanes) for (let i = 1; i < lane.length; i += 1) laneOf.set(lane[i], lane);
  const seen = new Array(rank.length).fill(false);
  for (let sink = 0; sink < rank.length; sink += 1) {
    const todo = after[sink].length ? [] : [sink];
    while (todo.length) {
      const v = todo.pop();
      if (seen[v]) continue;
      const lane = laneOf.get(v);
      for (const u of lane ? lane.slice(1) : [v]) {
        seen[u] = true;
        rows[rank[u]].push(u);
      }
      if (lane) todo.push(lane[0]);
      else for (let i = before[v].length - 1; i >= 0; i -= 1) todo.push(before[v][i][0]);
    }
  }
  let best = crossings(rows, after);
  if (best === 0) return rows;
  const order = rows.map((row) => row.slice());
  const place = new Array(rank.length).fill(0);
  for (const row of order) row.forEach((v, i) => { place[v] = i; });
  for (let turn = 0; turn < 2 * SWEEPS; turn += 1) {
    const forward = turn % 2 === 0;
    eachRow(order, forward, (row) => sortRow(row, forward ? before : after, breadth, place));
    const found = crossings(order, after);
    if (found < best) {
      best = found;
      rows = order.map((row) => row.slice());
    }
    if (found === 0) break;
  }
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) if (!exchange(rows, before, after)) break;
  return rows;
}

function exchange(rows, before, after) {
  const place = new Array(after.length).fill(0);
  for (const row of rows) row.forEach((v, i) => { place[v] = i; });
  let exchanged = false;
  for (const row of rows) {
    for (let i = 0; i + 1 < row.length; i += 1) {
      const [v, w] = [row[i], row[i + 1]];
      let gain = 0;
      for (const neighbours of [before, after]) {
        for (const [u, contact] of neighbours[v]) {
          const a = place[u] * 65536 + contact;
          for (const [x, other] of neighbours[w]) gain += Math.sign(a - (place[x] * 65536 + other));
        }
      }
      if (gain <= 0) continue;
      [row[i], row[i + 1]] = [w, v];
      place[v] = i + 1;
      place[w] = i;
      exchanged = true;
    }
  }
  return exchanged;
}

class Level {
  constructor() {
    this.items = [];
    this.local = new Map();
    this.links = [];
    this.known = new Set();
    this.x = 0;
    this.y = 0;
    this.entry = new Map();
    this.exit = new Map();
  }

  addItem(item) {
    this.local.set(item, this.items.length);
    this.items.push(item);
  }

  addLink(a, b, source) {
    const key = a + " " + b + " " + source;
    if (this.known.has(key)) return;
    this.known.add(key);
    this.links.push([a, b, source]);
  }

  arrange(sizes, entries, exits) {
    const count = this.items.length;
    this.near = new Map();
    this.far = new Map();
    for (const [a, , s] of this.links) if (a < 0 && !this.near.has(s)) this.near.set(s, count + this.near.size);
    const offset = count + this.near.size;
    for (const [, b, s] of this.links) if (b < 0 && !this.far.has(s)) this.far.set(s, offset + this.far.size);
    const ports = new Array(this.near.size + this.far.size).fill(0);
    this.breadthOf = sizes.map((size) => size[1]).concat(ports);
    this.lengthOf = sizes.map((size) => size[0]).concat(ports);
    const ends = this.links.map(([a, b, source]) => {
      const u = a < 0 ? this.near.get(source) : this.local.get(a);
      const v = b < 0 ? this.far.get(source) : this.local.get(b);
      const out = u < count ? exits[u] : null;
      const into = v < count ? entries[v] : null;
      const leave = out ? out.get(source) : half(this.breadthOf[u]);
      const arrive = into ? into.get(source) : half(this.breadthOf[v]);
      return [u, v, source, leave, arrive];
    });
    this.findRanks(ends);
    this.makeLanes(ends);
    this.leave = new Map(ends.map(([u, , source, leave]) => [pair(u, source), leave]));
    this.arrive = new Map(ends.map(([, v, source, , arrive]) => [pair(v, source), arrive]));
    this.order = ordered(this.rank, Array.from(this.lanes.values()), this.before, this.after, this.breadthOf);
    this.findBreadths();
  }

  findRanks(ends) {
    const count = this.items.length;
    const total = this.breadthOf.length;
    const start = this.near.size ? 1 : 0;
    const before = lists(total);
    const after = lists(total);
    for (const [u, v] of ends) {
      before[v].push(u);
      after[u].push(v);
    }
    const rank = Array.from({ length: total }, (_, v) => (v < count ? start : 0));
    const missing = before.map((sources) => sources.filter((u) => u < count).length);
    const todo = [];
    for (let v = 0; v < count; v += 1) if (missing[v] === 0) todo.push(v);
    for (let i = 0; i < todo.length; i += 1) {
      for (const v of after[todo[i]]) {
        if (v >= count) continue;
        rank[v] = Math.max(rank[v], rank[todo[i]] + 1);
        missing[v] -= 1;
        if (missing[v] === 0) todo.push(v);
      }
    }
    if (todo.length < count) throw new Error("layout: the edges between clusters make a cycle");
    const last = most(rank.slice(0, count)) + 1;
    for (let v = count + this.near.size; v < total; v += 1) rank[v] = last;
    this.depth = new Array(total).fill(0);
    for (const v of todo) {
      for (const u of before[v]) if (u >= count || before[u].length) this.depth[v] = Math.max(this.depth[v], this.depth[u] + 1);
    }
    for (let i = todo.length - 1; i >= 0; i -= 1) {
      const v = todo[i];
      if (after[v].length && !before[v].some((u) => u >= count || before[u].length)) {
        rank[v] = after[v].reduce((a, w) => Math.min(a, rank[w]), Infinity) - 1;
      }
    }
    this.rank = rank;
    this.last = this.far.size ? last : last - 1;
    this.isLeaf = rank.map((_, v) => v < count && !before[v].length);
  }

  makeLanes(ends) {
    const { rank } = this;
    const count = this.items.length;
    this.before = lists(rank.length);
    this.after = lists(rank.length);
    this.lanes = new Map();
    const join = (u, v, leave, arrive, weight) => {
      this.before[v].push([u, leave, arrive, weight]);
      this.after[u].push([v, arrive, leave, weight]);
    };
    for (const [u, v, source, leave, arrive] of ends) {
      const key = pair(u, source);
      if (!this.lanes.has(key)) this.lanes.set(key, [u]);
      const lane = this.lanes.get(key);
      const span = rank[v] - rank[u];
      while (lane.length < span) {
        const dummy = rank.length;
        rank.push(rank[u] + lane.length);
        this.breadthOf.push(0);
        this.lengthOf.push(0);
        this.isLeaf.push(false);
        this.before.push([]);
        this.after.push([]);
        const tail = lane[lane.length - 1];
        if (tail === u) join(u, dummy, leave, 0, SIDE_WEIGHT);
        else join(tail, dummy, 0, 0, LANE_WEIGHT);
        lane.push(dummy);
      }
      const tail = lane[span - 1];
      let weight = EDGE_WEIGHT;
      if (this.isLeaf[u]) weight = LEAF_WEIGHT;
      else if (v < count && this.depth[u] + 1 < this.depth[v]) weight = SIDE_WEIGHT;
      join(tail, v, tail === u ? leave : 0, arrive, weight);
    }
  }

  distance(u, v) {
    const items = this.items.length;
    return u < items && v < items ? SEP : LANE;
  }

  findBreadths() {
    const top = new Array(this.rank.length).fill(0);
    const packed = new Array(this.rank.length).fill(0);
    for (const row of this.order) {
      let place = 0;
      row.forEach((v, i) => {
        if (i) place += this.distance(row[i - 1], v);
        packed[v] = place;
        top[v] = place;
        place += this.breadthOf[v];
      });
    }
    for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
      eachRow(this.order, true, (row) => this.settle(row, top, packed, this.before, false));
      eachRow(this.order, false, (row) => this.settle(row, top, packed, this.after, false));
    }
    for (let r = this.order.length - 1; r >= 0; r -= 1) this.settle(this.order[r], top, packed, this.after, true);
    const whole = top.map((t, v) => Math.floor(t - packed[v] + 0.5) + packed[v]);
    eachRow(this.order, true, (row) => this.straighten(row, whole, this.before));
    eachRow(this.order, false, (row) => this.straighten(row, whole, this.after));
    const nearest = whole.length ? whole.reduce((a, b) => Math.min(a, b), Infinity) : 0;
    this.top = whole.map((t) => t - nearest);
    this.breadth = most(this.top.map((t, v) => t + this.breadthOf[v]));
  }

  straighten(row, top, neighbours) {
    row.forEach((v, i) => {
      let strongest = 0;
      let aside = 0;
      for (const [u, contact, own, weight] of neighbours[v]) {
        if (weight > strongest) {
          strongest = weight;
          aside = top[u] + contact - own - top[v];
        }
      }
      if (aside === 0 || Math.abs(aside) > NEARLY) return;
      const place = top[v] + aside;
      if (i > 0) {
        const w = row[i - 1];
        if (place < top[w] + this.breadthOf[w] + this.distance(w, v)) return;
      }
      if (i + 1 < row.length) {
        const w = row[i + 1];
        if (place + this.breadthOf[v] + this.distance(v, w) > top[w]) return;
      }
      top[v] = place;
    });
  }

  settle(row, top, packed, neighbours, leaves) {
    const pools = [];
    for (const v of row) {
      let weight = 0;
      let place = 0;
      if (leaves && !this.isLeaf[v]) {
        weight = 65536;
        place = weight * (top[v] - packed[v]);
      } else {
        for (const [u, contact, own, w] of neighbours[v]) {
          weight += w;
          place += w * (top[u] + contact - own - packed[v]);
        }
        if (weight === 0) {
          weight = 1;
          place = top[v] - packed[v];
        }
      }
      let many = 1;
      while (pools.length) {
        const other = pools[pools.length - 1];
        if (other[0] / other[1] < place / weight) break;
        pools.pop();
        place += other[0];
        weight += other[1];
        many += other[2];
      }
      pools.push([place, weight, many]);
    }
    let i = 0;
    for (const [place, weight, many] of pools) {
      for (let k = i; k < i + many; k += 1) top[row[k]] = packed[row[k]] + place / weight;
      i += many;
    }
  }

  findLengths(title, down) {
    const inside = title !== null;
    const pad = inside ? PAD : 0;
    const above = pad + (inside ? TITLE : 0);
    const thickness = new Array(this.last + 1).fill(0);
    const turn = new Array(this.last + 1).fill(0);
    this.rank.forEach((r, v) => {
      thickness[r] = Math.max(thickness[r], this.lengthOf[v]);
      for (const [w, arrive, leave] of this.after[v]) {
        turn[r] = Math.max(turn[r], Math.abs(this.top[w] + arrive - this.top[v] - leave));
      }
    });
    const first = this.near.size ? 1 : 0;
    const final = this.last - (this.far.size ? 1 : 0);
    this.start = [];
    this.end = [];
    let x = this.near.size ? 0 : down ? above : pad;
    for (let r = 0; r <= this.last; r += 1) {
      this.start.push(x);
      x += thickness[r];
      this.end.push(x);
      let gap = (r < first || r >= final ? BORDER_GAP : GAP) + Math.min(48, Math.floor(turn[r] / 8));
      if (r < first && down) gap = Math.max(gap, above);
      if (r < this.last) x += gap;
    }
    this.length = this.far.size ? x : x + pad;
    let breadth = this.breadth + (down ? 2 * pad : above + pad);
    if (inside && down) breadth = Math.max(breadth, title + 2 * PAD);
    else if (inside && this.length < title + 2 * PAD) this.length = title + 2 * PAD;
    if (this.far.size) {
      this.start[this.last] = this.length;
      this.end[this.last] = this.length;
    }
    const shift = down ? half(breadth - this.breadth) : above;
    this.breadth = breadth;
    this.top = this.top.map((t) => t + shift);
    this.left = this.items.map((_, v) => {
      const r = this.rank[v];
      const spare = this.end[r] - this.start[r] - this.lengthOf[v];
      if (!this.before[v].length) return this.start[r] + spare;
      return this.start[r] + (this.after[v].length ? half(spare) : 0);
    });
    for (const [s, v] of this.near) this.entry.set(s, this.top[v]);
    for (const [s, v] of this.far) this.exit.set(s, this.top[v]);
  }

  isNarrow(item) {
    const v = this.local.get(item);
    return this.left[v] > this.start[this.rank[v]];
  }

  trace(points, a, b, source) {
    const u = a < 0 ? this.near.get(source) : this.local.get(a);
    const v = b < 0 ? this.far.get(source) : this.local.get(b);
    const count = this.items.length;
    const go = (left, top) => {
      const x = left + this.x;
      const y = top + this.y;
      const n = points.length;
      if (!n || points[n - 2] !== x || points[n - 1] !== y) points.push(x, y);
    };
    let y = this.top[u] + this.leave.get(pair(u, source));
    go(u < count ? this.left[u] + this.lengthOf[u] : this.start[this.rank[u]], y);
    go(this.end[this.rank[u]], y);
    const lane = this.lanes.get(pair(u, source));
    for (const dummy of lane.slice(1, this.rank[v] - this.rank[u])) {
      go(this.start[this.rank[dummy]], this.top[dummy]);
      go(this.end[this.rank[dummy]], this.top[dummy]);
    }
    y = this.top[v] + this.arrive.get(pair(v, source));
    go(this.start[this.rank[v]], y);
    if (v < count) go(this.left[v], y);
  }
}

class Nest {
  constructor(boxes, edges, cluster, clusters, down) {
    Object.assign(this, { boxes, edges, cluster, clusters, down });
    this.n = boxes.length;
    this.k = clusters.length;
    this.levels = Array.from({ length: this.k + 1 }, () => new Level());
    this.home = cluster.concat(clusters.map((c) => c[0]));
    this.depth = [];
    for (const [parent] of clusters) this.depth.push(parent < 0 ? 0 : this.depth[parent] + 1);
    this.home.forEach((home, item) => this.level(home).addItem(item));
    this.hops = edges.map(([source, target]) => this.hopsOf(source, target));
    edges.forEach(([source], e) => {
      for (const [level, a, b] of this.hops[e]) this.level(level).addLink(a, b, source);
    });
  }

  level(k) {
    return this.levels[k < 0 ? this.k : k];
  }

  hopsOf(source, target) {
    const depth = (k) => (k < 0 ? -1 : this.depth[k]);
    const out = [];
    const into = [];
    let a = source;
    let b = target;
    while (this.home[a] !== this.home[b]) {
      if (depth(this.home[a]) >= depth(this.home[b])) {
        out.push([this.home[a], a, -1]);
        a = this.n + this.home[a];
      } else {
        into.push([this.home[b], -1, b]);
        b = this.n + this.home[b];
      }
    }
    return [...out, [this.home[a], a, b], ...into.reverse()];
  }

  arrange() {
    for (let k = this.k - 1; k >= -1; k -= 1) {
      const level = this.level(k);
      const inner = level.items.map((item) => (item < this.n ? null : this.levels[item - this.n]));
      level.arrange(
        level.items.map((item, i) => (inner[i] ? [inner[i].length, inner[i].breadth] : this.boxes[item])),
        inner.map((one) => one && one.entry),
        inner.map((one) => one && one.exit),
      );
      level.findLengths(k < 0 ? null : this.clusters[k][1], this.down);
    }
  }

  place() {
    const whole = this.level(-1);
    const result = { width: whole.length, height: whole.breadth, nodes: [], clusters: [], paths: [] };
    for (let j = -1; j < this.k; j += 1) {
      const level = this.level(j);
      level.items.forEach((item, i) => {
        const x = level.x + level.left[i];
        const y = level.y + level.top[i];
        if (item < this.n) result.nodes[item] = [x, y];
        else {
          const inner = this.levels[item - this.n];
          inner.x = x;
          inner.y = y;
          result.clusters[item - this.n] = [x, y, inner.length, inner.breadth];
        }
      });
    }
    this.edges.forEach(([source], e) => {
      const points = [];
      for (const [j, a, b] of this.hops[e]) this.level(j).trace(points, a, b, source);
      result.paths.push(points);
    });
    this.spread(result);
    return result;
  }

  spread(result) {
    const into = lists(this.n);
    this.edges.forEach(([, target], e) => into[target].push(e));
    into.forEach((arriving, target) => {
      if (arriving.length < 2) return;
      const ends = this.level(this.cluster[target]).isNarrow(target) ? 2 : 1;
      const key = (path) => path[path.length - 2 * ends - 1];
      const paths = arriving.map((e) => result.paths[e]).sort((a, b) => key(a) - key(b));
      const breadth = this.boxes[target][1];
      const step = Math.min(SPREAD, Math.floor((breadth - 6) / paths.length));
      let y = result.nodes[target][1] + half(breadth - step * (paths.length - 1));
      for (const path of paths) {
        path[path.length - 1] = y;
        if (ends === 2) path[path.length - 3] = y;
        y += step;
      }
    });
  }
}

function layout(sizes, edges, cluster, clusters, down) {
  const boxes = down ? sizes.map(([w, h]) => [h, w]) : sizes;
  const nest = new Nest(boxes, edges, cluster.length ? cluster : boxes.map(() => -1), clusters, down);
  nest.arrange();
  const result = nest.place();
  if (!down) return result;
  return {
    width: result.height,
    height: result.width,
    nodes: result.nodes.map(([x, y]) => [y, x]),
    clusters: result.clusters.map(([x, y, w, h]) => [y, x, h, w]),
    paths: result.paths.map((p) => p.map((_, i) => p[i ^ 1])),
  };
}

/* The points of an edge as a path of cubics that start and end in the direction of the layout. */
function curve(points, down) {
  const parts = ["M" + points[0] + " " + points[1]];
  for (let i = 2; i < points.length; i += 2) {
    const [x0, y0, x1, y1] = points.slice(i - 2, i + 2);
    if (x0 === x1 || y0 === y1) parts.push("L" + x1 + " " + y1);
    else if (down) parts.push("C" + x0 + " " + (y0 + y1) / 2 + " " + x1 + " " + (y0 + y1) / 2 + " " + x1 + " " + y1);
    else parts.push("C" + (x0 + x1) / 2 + " " + y0 + " " + (x0 + x1) / 2 + " " + y1 + " " + x1 + " " + y1);
  }
  return parts.join("");
}
