/* A drawing in its page: panning, zooming, and folding with a new layout. Comes after layout.js and
   fold.js of the stepper, and reads what page.py put into the page. No names reach the page but as
   text that Python has escaped. */

const SVG = "http://www.w3.org/2000/svg";
const view = document.getElementById("view");
const note = document.getElementById("note");
const data = JSON.parse(document.getElementById("data").textContent);
let picture = view.querySelector("svg");
let scale = 1;

function make(name, attributes, ...children) {
  const found = document.createElementNS(SVG, name);
  for (const key of Object.keys(attributes)) found.setAttribute(key, attributes[key]);
  found.append(...children);
  return found;
}

function markup(text) {
  const page = new DOMParser().parseFromString("<svg xmlns=\"" + SVG + "\">" + text + "</svg>", "image/svg+xml");
  return Array.from(page.documentElement.childNodes, (node) => document.importNode(node, true));
}

const boxWidth = () => picture.viewBox.baseVal.width;
const boxHeight = () => picture.viewBox.baseVal.height;

function zoom(to, x, y) {
  const before = scale;
  scale = Math.min(8, Math.max(0.02, to));
  const left = ((view.scrollLeft + x) * scale) / before - x;
  const top = ((view.scrollTop + y) * scale) / before - y;
  picture.setAttribute("width", boxWidth() * scale);
  picture.setAttribute("height", boxHeight() * scale);
  view.scrollTo(left, top);
}

const around = (factor) => zoom(scale * factor, view.clientWidth / 2, view.clientHeight / 2);
const fit = () => zoom(Math.min(view.clientWidth / boxWidth(), view.clientHeight / boxHeight()), 0, 0);

/* Makes an element a button that opens or closes a group. */
function button(element, group, label) {
  element.setAttribute("role", "button");
  element.setAttribute("tabindex", "0");
  element.setAttribute("aria-label", label);
  element.setAttribute("class", (element.getAttribute("class") || "") + " fold");
  element.dataset.group = group;
  return element;
}

function toggle(group) {
  if (!closed.delete(group)) closed.add(group);
  draw();
  const same = picture.querySelector("[data-group=\"" + group + "\"]");
  if (same) {
    same.focus({ preventScroll: true });
    same.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

let closed = null;

/* The frames of the open groups that have one, and for each group the frame it is or is in. */
function framesOf() {
  const hidden = hiddenBy(data.groups, closed);
  const frames = [];
  const at = [];
  data.groups.forEach((group, g) => {
    const parent = group.parent >= 0 ? at[group.parent] : -1;
    if (group.framed && hidden[g] < 0) {
      at.push(frames.length);
      frames.push({ group: g, parent });
    } else at.push(parent);
  });
  return [frames, at];
}

function draw() {
  const folded = fold((i) => data.operation[i], data.edges, data, closed, data.bundle);
  const [frames, at] = framesOf();
  const faces = folded.boxes.map((box) => {
    if (box.group >= 0) return data.faces[data.groups[box.group].face];
    return data.faces[box.nodes.length > 1 ? data.bundleFace[box.nodes[0]] : data.face[box.nodes[0]]];
  });
  const titles = frames.map((frame) => [frame.parent, data.groups[frame.group].wide]);
  const ends = folded.lines.map((line) => [line.source, line.target]);
  const frameOf = folded.boxes.map((box) => (box.home >= 0 ? at[box.home] : -1));
  const placed = layout(faces.map((face) => face.size), ends, frameOf, titles, data.down);
  const parts = frames.map((frame, k) => {
    const [x, y, width, height] = placed.clusters[k];
    const text = make("text", { x: x + 9, y: y + 14 }, "− " + data.groups[frame.group].title);
    button(text, frame.group, "fold " + data.groups[frame.group].title);
    return make("g", { class: "frame" }, make("rect", { x, y, width, height, rx: 6 }), text);
  });
  parts.push(make("g", { class: "edge" }, ...folded.lines.flatMap((line, e) => edge(folded, line, placed.paths[e]))));
  folded.boxes.forEach((box, i) => {
    const [x, y] = placed.nodes[i];
    const group = make("g", { class: "text", transform: "translate(" + x + " " + y + ")" }, ...markup(faces[i].markup));
    if (box.group >= 0) button(group, box.group, "unfold " + data.groups[box.group].title);
    parts.push(group);
  });
  const margin = 8;
  const size = [placed.width + 2 * margin, placed.height + 2 * margin];
  const fresh = make("svg", { class: "tapegrad", width: size[0] * scale, height: size[1] * scale, viewBox: [-margin, -margin, ...size].join(" ") }, ...parts);
  picture.replaceWith(fresh);
  picture = fresh;
  note.textContent = data.home.length.toLocaleString("en") + " nodes in " + folded.boxes.length.toLocaleString("en") + " boxes. " + (data.groups.some((group) => group.framed) || closed.size ? "Click a folded box to open it, the title of a frame to fold it." : "");
}

function edge(folded, line, points) {
  const many = line.edges.length > 1;
  const [x, y] = points.slice(-2);
  const d = data.down ? "M" + x + " " + y + "l-3.2 -7h6.4z" : "M" + x + " " + y + "l-7 -3.2v6.4z";
  const parts = [make("path", { d: curve(points, data.down), class: many ? "many" : "" }), make("path", { d, class: "arrow" })];
  const [source, target] = [folded.boxes[line.source], folded.boxes[line.target]];
  const single = target.group < 0 && source.group < 0 && source.nodes.length === 1;
  const head = many ? "×" + line.edges.length : single ? data.heads[line.edges[0]] : "";
  if (head) parts.push(make("text", data.down ? { class: "start", x: x + 4, y: y - 9 } : { class: "end", x: x - 5, y: y - 3 }, head));
  return parts;
}

document.getElementById("in").addEventListener("click", () => around(1.25));
document.getElementById("out").addEventListener("click", () => around(0.8));
document.getElementById("fit").addEventListener("click", fit);
view.addEventListener("wheel", (event) => {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  const box = view.getBoundingClientRect();
  zoom(scale * Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top);
}, { passive: false });
view.addEventListener("keydown", (event) => {
  const group = event.target.dataset.group;
  if (group !== undefined && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    toggle(Number(group));
  } else if (event.key === "+" || event.key === "=") around(1.25);
  else if (event.key === "-") around(0.8);
  else if (event.key === "0") fit();
});
let start = null;
let moved = false;
view.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  start = { x: event.clientX, y: event.clientY, left: view.scrollLeft, top: view.scrollTop };
  moved = false;
});
view.addEventListener("pointermove", (event) => {
  if (!start || !(event.buttons & 1)) return;
  if (Math.abs(event.clientX - start.x) + Math.abs(event.clientY - start.y) > 4) moved = true;
  view.scrollTo(start.left + start.x - event.clientX, start.top + start.y - event.clientY);
});
view.addEventListener("pointerup", () => { start = null; });
view.addEventListener("click", (event) => {
  const found = event.target.closest("[data-group]");
  if (found && !moved) toggle(Number(found.dataset.group));
});
if (data.home) {
  closed = new Set(data.closed);
  draw();
}
zoom(Math.max(0.5, Math.min(1, view.clientWidth / boxWidth())), 0, 0);
