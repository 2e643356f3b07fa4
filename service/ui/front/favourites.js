/** Pictures that the visitor likes, kept in this browser as what it takes to draw them again. */

import { plainState, readAddress, writeAddress } from "./address.js";

/** @typedef {import("./address.js").State} State */

const NAME = "ganymede-favourites";
const MOST = 500;

/** @returns {string[]} The addresses of the pictures, the newest first. */
export function listFavourites() {
  try {
    const kept = JSON.parse(localStorage.getItem(NAME) ?? "[]");
    return Array.isArray(kept) ? kept.filter((each) => typeof each === "string").slice(0, MOST) : [];
  } catch {
    return [];
  }
}

/** The address that a picture is kept under. @param {State} state @param {number} seed */
export function addressOfPicture(state, seed) {
  const { model, label, blend, share, truncation, directions } = state;
  return writeAddress({ ...plainState(), model, label, blend, share, truncation, directions, seed, picture: seed });
}

/** @param {string} address @returns {boolean} */
export function isFavourite(address) {
  return listFavourites().includes(address);
}

/** Keep a picture, or let go of it. @param {string} address @returns {boolean} Whether it is kept now. */
export function toggleFavourite(address) {
  const others = listFavourites().filter((each) => each !== address);
  const kept = others.length === listFavourites().length;
  try {
    localStorage.setItem(NAME, JSON.stringify((kept ? [address, ...others] : others).slice(0, MOST)));
  } catch {
    return false; // storage is off, or full
  }
  return kept;
}

/** @param {string} address @returns {State} */
export function readFavourite(address) {
  return readAddress(address);
}
