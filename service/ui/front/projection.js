/** Where a visitor's picture is in the latent space of a model: asked of `/project`, and drawn from there. */

import { askPatiently } from "./api.js";
import { fieldsOf } from "./look.js";
import { cutGrid, readNpy } from "./pixels.js";

/** @typedef {import("./address.js").Look} Look */
/** @typedef {import("./catalog.js").Version} Version */
/** @typedef {import("./pixels.js").Picture} Picture */
/** @typedef {{latent: number[], weights: number[]}} Spot A latent, and a weight for each class if there are any. */

const LARGE_BYTES = 4_000_000;
const SENT_SIDE = 2048;
const SMALL_PIXELS = 96 * 96;
const DECIMALS = 1e4;

/**
 * Where a picture is, and how far what is drawn there is from it.
 * @param {Blob} photo
 * @param {Version} version
 * @param {AbortSignal} signal
 * @returns {Promise<Spot & {distance: number}>}
 */
export async function findSpot(photo, version, signal) {
  const path = `project?model=${encodeURIComponent(version.reference)}`;
  const told = await (await askPatiently(path, { body: await lighten(photo), signal })).json();
  const [{ latent, label, distance }] = told.images;
  return { latent, weights: label ?? [], distance };
}

/**
 * What is drawn at latents that share their weights, moved along the directions of a look.
 * @param {number[][]} latents
 * @param {number[]} weights
 * @param {Look} look
 * @param {Version} version
 * @param {AbortSignal} signal
 * @returns {Promise<Picture[]>}
 */
export async function drawSpots(latents, weights, look, version, signal) {
  const small = version.image.height * version.image.width <= SMALL_PIXELS;
  const columns = latents.length;
  const body = { ...spotFields(latents, weights, look, version), ...(small ? { format: "npy" } : { format: "png", columns }) };
  const answer = await askPatiently("generate", { body, signal });
  return small ? readNpy(await answer.arrayBuffer()) : cutGrid(await answer.blob(), columns, columns, version.image);
}

/** The fields of a request for latents: as they are, whatever else the page shows. @param {number[][]} latents @param {number[]} weights @param {Look} look @param {Version} version */
export function spotFields(latents, weights, look, version) {
  const fields = fieldsOf({ ...look, label: "", blend: "", truncation: 1 }, version);
  return { ...fields, latents, ...(weights.length ? { labels: latents.map(() => weights) } : {}) };
}

/** Latents around one, by chance. @param {number[]} latent @param {number} count @param {number} reach @returns {number[][]} */
export function stray(latent, count, reach) {
  return Array.from({ length: count }, () => latent.map((number) => Math.round((number + reach * normal()) * DECIMALS) / DECIMALS));
}

/** A normal number (Box and Muller, 1958). */
function normal() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}

/** A camera's file made light enough to be sent; one that this browser cannot read goes as it is. @param {Blob} photo @returns {Promise<Blob>} */
async function lighten(photo) {
  if (photo.size <= LARGE_BYTES) return photo;
  const whole = await createImageBitmap(photo).catch(() => null);
  if (!whole) return photo;
  const part = Math.min(1, SENT_SIDE / Math.max(whole.width, whole.height));
  const canvas = new OffscreenCanvas(Math.max(1, Math.round(whole.width * part)), Math.max(1, Math.round(whole.height * part)));
  canvas.getContext("2d")?.drawImage(whole, 0, 0, canvas.width, canvas.height);
  whole.close();
  const kind = /png|webp|gif/.test(photo.type) ? "image/webp" : "image/jpeg"; // what may be transparent stays so
  return canvas.convertToBlob({ type: kind, quality: 0.95 });
}
