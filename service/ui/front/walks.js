/** Walks through latent space, from `/latent-walk`, in what plays best: pixels for small pictures, else a film. */

import { ask, askPatiently, asksTooMuch } from "./api.js";
import { fieldsOf } from "./look.js";
import { readNpy } from "./pixels.js";

/** @typedef {import("./address.js").Look} Look */
/** @typedef {import("./catalog.js").Version} Version */
/**
 * @typedef {{seeds: number[], spots?: Record<string, any>, frames: number, fps?: number, way?: string, easing?: string, loop?: boolean}} Way
 * By way of seeds, or of the latents of a request in `spots`.
 */
/** @typedef {{frames: ImageData[], fps: number, loop: boolean} | {film: Blob, kind: "video" | "image", loop: boolean}} Reel */

const SMALL_PIXELS = 64 * 64;

/** How large a walk is saved, in pixels: a GIF is five times as heavy as a film. @param {string} format @returns {number} */
export function savedSide(format) {
  return format === "mp4" ? 448 : 224;
}

/** The body of a request for a walk. @param {Way} way @param {Look} look @param {Version} version */
export function walkFields(way, look, version) {
  /** @type {Record<string, unknown>} */
  const keys = way.spots ?? { ...fieldsOf(look, version), seeds: way.seeds };
  const fields = { ...keys, frames: Math.max(way.frames, way.seeds.length) };
  if (way.loop) fields.loop = true;
  if (way.way && way.way !== "slerp") fields.interpolation = way.way;
  if (way.easing && way.easing !== "linear") fields.easing = way.easing;
  if (way.fps && way.fps !== 30) fields.fps = way.fps;
  return fields;
}

/**
 * A walk to play here.
 * @param {Way} way
 * @param {Look} look
 * @param {Version} version
 * @param {AbortSignal} [signal]
 * @param {boolean} [patient] Whether a refusal is waited out.
 * @returns {Promise<Reel>}
 */
export async function fetchReel(way, look, version, signal, patient = true) {
  for (let frames = way.frames; ; frames = Math.floor(frames / 2)) {
    try {
      return await fetchFrames({ ...way, frames }, look, version, signal, patient);
    } catch (error) {
      if (!asksTooMuch(error) || frames / 2 < way.seeds.length) throw error; // this service lets fewer pass
    }
  }
}

/** @param {Way} way @param {Look} look @param {Version} version @param {AbortSignal | undefined} signal @param {boolean} patient @returns {Promise<Reel>} */
async function fetchFrames(way, look, version, signal, patient) {
  const asking = patient ? askPatiently : ask;
  const { height, width, channels } = version.image;
  const fields = walkFields(way, look, version);
  const loop = way.loop ?? false;
  if (height * width <= SMALL_PIXELS) {
    const response = await asking("latent-walk", { body: { ...fields, format: "npy" }, signal });
    return { frames: readNpy(await response.arrayBuffer()), fps: way.fps ?? 30, loop };
  }
  const opaque = channels === 1 || channels === 3;
  const body = { ...fields, format: opaque ? "mp4" : "webp" };
  const film = await (await asking("latent-walk", { body, signal })).blob();
  return { film, kind: opaque ? "video" : "image", loop };
}
