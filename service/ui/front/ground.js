/** Lets a part of the page stand on the ground of its picture, so that there is no box around it. */

import { isSeeThrough, readGround } from "./pixels.js";

const DARK_BELOW = 0.32;

/**
 * Give an element the colour of a picture's corners, and ink that can be read on it; it keeps what it has where they
 * differ, and has the page's own where they are transparent.
 * @param {HTMLElement} element
 * @param {import("./pixels.js").Picture | null} picture
 */
export function standOn(element, picture) {
  if (picture && isSeeThrough(picture)) return leaveGround(element);
  const found = picture && readGround(picture);
  if (!found) return;
  const ground = found.every((level) => level > 240) ? [255, 255, 255] : found.every((level) => level < 12) ? [0, 0, 0] : found;
  const colour = `rgb(${ground.join(" ")})`;
  if (element.dataset.colour === colour) return;
  const [red, green, blue] = ground.map((level) => (level / 255) ** 2.2);
  const bright = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  element.dataset.colour = colour;
  element.dataset.ground = bright < DARK_BELOW ? "dark" : "light";
  element.style.backgroundColor = colour;
}

/** @param {HTMLElement} element */
function leaveGround(element) {
  delete element.dataset.colour;
  delete element.dataset.ground;
  element.style.backgroundColor = "";
}
