/* Elements, numbers and values: what every panel is made of. Text reaches the page through
   textContent only, whatever tags a tensor’s name holds. */

const SVG = "http://www.w3.org/2000/svg";
const NONFINITE = { NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity };

function build(node, properties, children) {
  for (const [key, value] of Object.entries(properties || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children.flat(3)) {
    if (child !== null && child !== undefined && child !== false) node.append(child);
  }
  return node;
}

function h(tag, properties, ...children) {
  return build(document.createElement(tag), properties, children);
}

function svg(tag, properties, ...children) {
  return build(document.createElementNS(SVG, tag), properties, children);
}

/* Writes only what has changed: a step touches a few boxes, not the page. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function setAttribute(node, name, value) {
  if (value === null || value === undefined) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

function clip(text, length) {
  const letters = Array.from(text);
  return letters.length > length ? letters.slice(0, length - 1).join("") + "…" : text;
}

function plural(count, one, many) {
  return count.toLocaleString("en") + " " + (count === 1 ? one : many || one + "s");
}

/* A number of the trace as a number: JSON has no NaN, so it travels as text. */
function number(value) {
  return typeof value === "string" ? NONFINITE[value] : value;
}

function isScalar(value) {
  return typeof value === "number" || typeof value === "string" || typeof value === "boolean";
}

function format(value, digits = 4) {
  if (value === null || value === undefined) return "—";
  if (typeof value === "boolean") return value ? "True" : "False";
  const x = number(value);
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size >= 1e6 || size < 1e-4) {
    const [mantissa, exponent] = x.toExponential(digits - 1).split("e");
    return (Number(mantissa) + "e" + exponent).replace(/-/g, "−");
  }
  const whole = Math.ceil(Math.log10(size + 1));
  const text = String(Number(x.toPrecision(Math.max(digits, whole))));
  return text.replace(/-/g, "−");
}

function shapeText(shape) {
  return shape.length === 1 ? "vector of " + shape[0] : shape.length ? shape.join("×") : "scalar";
}

/* The value of a tensor in one line. */
function summary(value, digits = 4) {
  if (isScalar(value) || value === null || value === undefined) return format(value, digits);
  if (value.results) return value.results.map((part) => summary(part, digits)).join(" | ");
  if (value.n === 0) return "empty";
  if (value.n === 1 && value.values) return format(value.values[0], digits);
  const { stats } = value;
  if (!stats) return shapeText(value.shape);
  if (stats.nan || stats.inf) return trouble(value);
  if (stats.min === stats.max) return "all " + format(stats.min, digits);
  return format(stats.min, 3) + " … " + format(stats.max, 3);
}

/* What is not a finite number in a value, in words; empty if all is well. */
function trouble(value) {
  if (isScalar(value)) return Number.isFinite(number(value)) ? "" : format(value);
  if (value && value.results) return value.results.map(trouble).find(Boolean) || "";
  if (!value || !value.stats) return "";
  const { nan, inf } = value.stats;
  if (value.n === 1) return nan ? "NaN" : inf ? "∞" : "";
  const parts = [nan && plural(nan, "NaN", "NaN"), inf && plural(inf, "∞", "∞")];
  return parts.filter(Boolean).join(", ");
}

/* The Euclidean norm of a value; for a scalar its size. */
function norm(value) {
  if (value === null || value === undefined) return 0;
  if (isScalar(value)) return Math.abs(number(value));
  if (value.results) return Math.hypot(...value.results.map(norm));
  return value.stats.nan || value.stats.inf ? NaN : number(value.stats.norm);
}

function shapeOf(value) {
  return isScalar(value) || !value ? [] : value.shape;
}

/* All entries in reading order, or null where only a preview was kept. */
function entries(value) {
  if (value === null || value === undefined) return null;
  return isScalar(value) ? [value] : value.values || null;
}

/* Index of a place (row-major) in a shape, and back. */
function unravel(flat, shape) {
  const index = [];
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    index[axis] = flat % shape[axis];
    flat = Math.floor(flat / shape[axis]);
  }
  return index;
}

/* The entry of `value` that meets place `index` of a result it was broadcast to. */
function broadcastEntry(value, index) {
  const all = entries(value);
  if (!all) return undefined;
  const shape = shapeOf(value);
  const skipped = index.length - shape.length;
  let flat = 0;
  for (let axis = 0; axis < shape.length; axis += 1) {
    const place = shape[axis] === 1 ? 0 : index[axis + skipped];
    flat = flat * shape[axis] + place;
  }
  return all[flat];
}
