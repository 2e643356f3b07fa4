/** Pictures by their seeds, from `/generate`; those seen lately are kept. */

import { ask, askPatiently } from "./api.js";
import { fieldsOf, nameLook } from "./look.js";
import { cutGrid, readNpy } from "./pixels.js";

/** @typedef {import("./address.js").Look} Look */
/** @typedef {import("./catalog.js").Version} Version */
/** @typedef {import("./pixels.js").Picture} Picture */

const SMALL_PIXELS = 96 * 96;
const KEPT_PIXELS = 24_000_000;

/** @type {Map<string, Picture>} The one used last is last. */
const kept = new Map();
let keptPixels = 0;

/**
 * A picture that is here already.
 * @param {number} seed
 * @param {string} name Of the look.
 * @returns {Picture | undefined}
 */
export function recall(seed, name) {
  const key = `${seed} ${name}`;
  const picture = kept.get(key);
  if (picture) {
    kept.delete(key);
    kept.set(key, picture);
  }
  return picture;
}

/**
 * The pictures of seeds, in their order. Small ones come as they are, large ones as light files.
 * @param {number[]} seeds
 * @param {Look} look
 * @param {Version} version
 * @param {{signal?: AbortSignal, patient?: boolean}} [options]
 * @returns {Promise<Picture[]>}
 */
export async function fetchPictures(seeds, look, version, { signal, patient = true } = {}) {
  const { height, width, channels } = version.image;
  const small = height * width <= SMALL_PIXELS;
  const columns = Math.min(seeds.length, Math.max(1, Math.floor(4096 / width)));
  const format = small ? "npy" : channels === 1 || channels === 3 ? "jpeg" : "png";
  const body = { ...fieldsOf(look, version), seeds, format, ...(small ? {} : { columns }) };
  const response = await (patient ? askPatiently : ask)("generate", { body, signal });
  const pictures = small
    ? readNpy(await response.arrayBuffer())
    : await cutGrid(await response.blob(), seeds.length, columns, version.image);
  const name = nameLook(look, version);
  pictures.forEach((picture, index) => keep(`${seeds[index]} ${name}`, picture));
  return pictures;
}

/** How many pictures one request may bring, so that it stays light. @param {Version} version */
export function mostAtOnce(version) {
  return Math.max(1, Math.min(64, Math.floor(4_000_000 / (version.image.height * version.image.width))));
}

/** @param {string} key @param {Picture} picture */
function keep(key, picture) {
  if (kept.has(key)) return;
  kept.set(key, picture);
  keptPixels += picture.width * picture.height;
  for (const [oldest, old] of kept) {
    if (keptPixels <= KEPT_PIXELS) break;
    kept.delete(oldest); // a bitmap still on its way to a canvas is closed by nobody: it is collected
    keptPixels -= old.width * old.height;
  }
}
