/** The address bar is the state: from a query to what is shown, and back. A query is a stranger's word. */

export const SEED_LIMIT = 2 ** 32;
export const MAX_KEYS = 64;
export const VIEWS = ["pictures", "walk", "favourites", "models"];
export const WAYS = ["slerp", "lerp", "spline"];
export const EASINGS = ["linear", "smooth"];
const MAX_TEXT = 256;
const MAX_DECIMALS = 6000;

/**
 * @typedef {object} Look What a picture is drawn with beside its seed.
 * @property {string} model `NAME@VERSION`, or empty for the service's default.
 * @property {string} label A class; empty lets the seed say.
 * @property {string} blend A second class, or empty.
 * @property {number} share Of the second class, 0 to 1.
 * @property {number} truncation In (0, 1].
 * @property {Record<string, number>} directions
 */
/**
 * @typedef {object} Place
 * @property {string} view
 * @property {number | null} seed The wall's first; null where the page may choose.
 * @property {number | null} at The seed that the wall is scrolled to.
 * @property {number | null} picture The one shown large.
 * @property {number[]} keys Of the walk.
 * @property {number[]} latent Where a picture of the visitor's was found; empty where none was.
 * @property {number[]} weights A weight for each class there.
 * @property {number} frames
 * @property {number} fps
 * @property {string} way
 * @property {string} easing
 * @property {boolean} loop
 */
/** @typedef {Look & Place} State */

/** @returns {State} */
export function plainState() {
  return {
    view: "pictures", model: "", seed: null, at: null, picture: null,
    label: "", blend: "", share: 0.5, truncation: 1, directions: {},
    keys: [], latent: [], weights: [], frames: 120, fps: 30, way: "slerp", easing: "linear", loop: true,
  };
}

/** @param {string} search @returns {State} */
export function readAddress(search) {
  const query = new URLSearchParams(search);
  const plain = plainState();
  const text = (/** @type {string} */ name) => (query.get(name) ?? "").slice(0, MAX_TEXT);
  return {
    view: oneOf(text("view"), VIEWS, plain.view),
    model: text("model"),
    seed: readSeed(query.get("seed")),
    at: readSeed(query.get("at")),
    picture: readSeed(query.get("picture")),
    label: text("class"),
    blend: text("class") ? text("with") : "",
    share: readNumber(query.get("share"), 0, 1, plain.share),
    truncation: readNumber(query.get("truncation"), 0.01, 1, plain.truncation),
    directions: readDirections(query.getAll("move")),
    keys: readKeys(text("walk").length ? (query.get("walk") ?? "") : ""),
    latent: readDecimals(query.get("latent")),
    weights: readDecimals(query.get("weights")).map((weight) => Math.max(0, weight)),
    frames: Math.round(readNumber(query.get("frames"), 2, 1000, plain.frames)),
    fps: Math.round(readNumber(query.get("fps"), 1, 60, plain.fps)),
    way: oneOf(text("way"), WAYS, plain.way),
    easing: oneOf(text("easing"), EASINGS, plain.easing),
    loop: query.get("loop") !== "0",
  };
}

/** The query of a state; what is as it usually is, is left out. @param {State} state @returns {string} */
export function writeAddress(state) {
  const plain = plainState();
  const query = new URLSearchParams();
  /** @type {(name: string, value: unknown, usual: unknown) => void} */
  const put = (name, value, usual) => void (value === usual || value === null || query.set(name, String(value)));
  put("view", state.view, plain.view);
  put("model", state.model, "");
  put("seed", state.seed, null);
  put("at", state.at === state.seed ? null : state.at, null);
  put("picture", state.picture, null);
  put("class", state.label, "");
  if (state.blend) {
    put("with", state.blend, "");
    put("share", state.share, null);
  }
  put("truncation", state.truncation, 1);
  for (const [name, amount] of Object.entries(state.directions)) {
    if (amount) query.append("move", `${name}:${amount}`);
  }
  if (state.keys.length) put("walk", state.keys.join(","), "");
  for (const name of /** @type {const} */ (["latent", "weights"])) if (state[name].length) put(name, state[name].join(","), "");
  for (const name of /** @type {const} */ (["frames", "fps", "way", "easing"])) put(name, state[name], plain[name]);
  put("loop", state.loop ? 1 : 0, 1);
  const written = query.toString().replaceAll("%40", "@").replaceAll("%2C", ",").replaceAll("%3A", ":");
  return written ? `?${written}` : "";
}

/** @param {string | null} text @returns {number | null} */
export function readSeed(text) {
  if (text === null || !/^\d{1,10}$/.test(text)) return null;
  const seed = Number(text);
  return seed < SEED_LIMIT ? seed : null;
}

/** The seeds in a text that a person wrote. @param {string} text @returns {number[]} */
export function readKeys(text) {
  const seeds = text.split(/[\s,;]+/).map(readSeed);
  return seeds.filter((seed) => seed !== null).slice(0, MAX_KEYS);
}

/** Numbers with commas between them, all or none. @param {string | null} text @returns {number[]} */
function readDecimals(text) {
  const parts = text === null || text.length > MAX_DECIMALS ? [] : text.split(",");
  const numbers = parts.map((part) => (/^-?\d{1,4}(\.\d{1,9})?(e-\d{1,2})?$/.test(part) ? Number(part) : NaN));
  return numbers.every(Number.isFinite) ? numbers : [];
}

/** @param {string | null} text @param {number} low @param {number} high @param {number} usual */
function readNumber(text, low, high, usual) {
  const number = text === null || !/^-?\d*\.?\d{1,9}$/.test(text) ? NaN : Number(text);
  return Number.isFinite(number) ? Math.min(high, Math.max(low, number)) : usual;
}

/** @param {string} text @param {string[]} known @param {string} usual */
function oneOf(text, known, usual) {
  return known.includes(text) ? text : usual;
}

/** @param {string[]} moves @returns {Record<string, number>} */
function readDirections(moves) {
  /** @type {[string, number][]} */
  const read = moves.slice(0, MAX_KEYS).map((move) => {
    const colon = move.lastIndexOf(":");
    return [move.slice(0, colon).slice(0, MAX_TEXT), readNumber(move.slice(colon + 1), -10, 10, 0)];
  });
  return Object.fromEntries(read.filter(([name, amount]) => name && amount));
}
