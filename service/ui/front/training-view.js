/** How a version was trained: its losses and figures, epoch by epoch, from what was published with it. */

import { ask } from "./api.js";
import { addressOf } from "./catalog.js";
import { make } from "./elements.js";

/** @typedef {{name: string, points: [number, number][]}} Line */

const WIDTH = 320;
const HEIGHT = 120;
const MOST_EPOCHS = 2000;
const MOST_CHARTS = 6;
const SVG = "http://www.w3.org/2000/svg";

/**
 * Charts of a version's training, folded until they are wanted; null where nothing was published of it.
 * @param {import("./catalog.js").Version} version
 * @returns {HTMLElement | null}
 */
export function layTraining(version) {
  const { files, training } = version.manifest;
  if (!files.some((/** @type {{path: string}} */ file) => file.path === "metrics.json")) return null;
  const inside = make("div", { class: "inside" });
  const details = make("details", { class: "training" }, make("summary", {}, "How it was trained"), inside);
  details.addEventListener("toggle", () => {
    if (details.open && !inside.childElementCount) void fill(inside, version.reference, training?.configuration);
  });
  return details;
}

/** @param {HTMLElement} inside @param {string} reference @param {any} configuration */
async function fill(inside, reference, configuration) {
  try {
    const told = await (await ask(`${addressOf(reference)}/metrics.json`)).json();
    const epochs = (Array.isArray(told?.epochs) ? told.epochs : []).slice(0, MOST_EPOCHS);
    const charts = readLines(epochs).slice(0, MOST_CHARTS).map(({ name, lines }) => layChart(name, lines));
    const sentence = make("p", { class: "told" }, describe(epochs, configuration));
    inside.replaceChildren(sentence, make("div", { class: "charts" }, ...charts));
  } catch (error) {
    inside.replaceChildren(make("p", { class: "reason" }, error instanceof Error ? error.message : String(error)));
  }
}

/** @param {any[]} epochs @param {any} configuration @returns {string} */
function describe(epochs, configuration) {
  if (!epochs.length) return "Nothing was written down of its epochs.";
  const minutes = Math.round(epochs.reduce((sum, epoch) => sum + (Number(epoch?.seconds) || 0), 0) / 60);
  const took = minutes < 90 ? `${minutes} minutes` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const seen = epochs.reduce((sum, epoch) => sum + (Number(epoch?.images) || 0), 0);
  const recipe = configuration?.preset ? ` by the preset ${configuration.preset}` : "";
  return `${epochs.length} epochs${recipe}, ${took}, ${seen.toLocaleString("en")} pictures looked at.`;
}

/** The losses in one chart, each figure in one of its own. @param {any[]} epochs @returns {{name: string, lines: Line[]}[]} */
function readLines(epochs) {
  const line = (/** @type {string} */ name, /** @type {(epoch: any) => unknown} */ read) => ({
    name,
    points: epochs.flatMap((epoch, index) => {
      const value = read(epoch);
      return typeof value === "number" && Number.isFinite(value) ? [/** @type {[number, number]} */ ([index + 1, value])] : [];
    }),
  });
  const names = [...new Set(epochs.flatMap((epoch) => Object.keys(epoch?.figures ?? {})))];
  const losses = [line("generator", (epoch) => epoch?.generator_loss), line("discriminator", (epoch) => epoch?.discriminator_loss)];
  const figures = names.map((name) => ({ name: name.replaceAll("_", " "), lines: [line(name, (epoch) => epoch?.figures?.[name])] }));
  return [{ name: "losses", lines: losses }, ...figures]
    .map(({ name, lines }) => ({ name, lines: lines.filter(({ points }) => points.length > 1) }))
    .filter(({ lines }) => lines.length);
}

/** @param {string} name @param {Line[]} lines */
function layChart(name, lines) {
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const last = Math.max(...lines.flatMap(({ points }) => points.map(([epoch]) => epoch)));
  const x = (/** @type {number} */ epoch) => (WIDTH * (epoch - 1)) / Math.max(1, last - 1);
  const y = (/** @type {number} */ value) => HEIGHT - (HEIGHT * (value - low)) / (high - low || 1);
  const drawn = lines.map(({ points }, index) => draw("polyline", {
    class: `line-${index}`, points: points.map(([epoch, value]) => `${x(epoch).toFixed(1)},${y(value).toFixed(1)}`).join(" "),
  }));
  const told = lines.map((line) => `${lines.length > 1 ? `${line.name} ` : ""}from ${round(line.points[0][1])} to ${round(line.points.at(-1)?.[1] ?? NaN)}`);
  const picture = draw("svg", {
    viewBox: `-2 -4 ${WIDTH + 4} ${HEIGHT + 8}`, role: "img", "aria-label": `${name} over ${last} epochs: ${told.join(", ")}`,
  }, ...drawn);
  const key = lines.length > 1 ? make("span", { class: "key-of" }, ...lines.map((line, index) => make("span", { class: `line-${index}` }, line.name))) : null;
  return make("figure", {},
    make("figcaption", {}, name, key),
    picture,
    make("p", { class: "hint" }, make("span", {}, `${round(low)} to ${round(high)}`), make("span", {}, `epoch ${last}`)));
}

/** @param {string} tag @param {Record<string, string>} attributes @param {...Node} children */
function draw(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** @param {number} value */
function round(value) {
  return Number(value.toPrecision(3));
}
