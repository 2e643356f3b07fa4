/** What is shown now, and its address: back and forward lead through what was shown before. */

import { readAddress, writeAddress } from "./address.js";

/** @typedef {import("./address.js").State} State */

const WRITE_AFTER_MS = 250;
let state = readAddress(location.search);
/** @type {Set<(state: State, before: State) => void>} */
const listeners = new Set();
let timer = 0;

/** @returns {State} */
export function now() {
  return state;
}

/**
 * Be told of every change, also of those by back and forward.
 * @param {(state: State, before: State) => void} listener
 * @returns {() => void} What ends it.
 */
export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * Change what is shown. A step can be gone back; without one the address is only rewritten, and not with each
 * movement of a slider, for browsers bound how often it may be.
 * @param {Partial<State>} change
 * @param {{step?: boolean}} [options]
 */
export function go(change, { step = false } = {}) {
  const before = state;
  state = { ...state, ...change };
  if (step) {
    flush(before);
    history.pushState(null, "", addressOf(state));
  } else {
    clearTimeout(timer);
    timer = setTimeout(() => flush(state), WRITE_AFTER_MS);
  }
  for (const listener of [...listeners]) listener(state, before);
}

/** The address of a state, on this server. @param {State} shown @returns {string} */
export function addressOf(shown) {
  return writeAddress(shown) || location.pathname;
}

/** The link to a state, for other machines. @param {State} shown @returns {string} */
export function linkTo(shown) {
  return new URL(addressOf(shown), location.href).href.replace(/#.*$/, "");
}

/** @param {State} shown */
function flush(shown) {
  clearTimeout(timer);
  const written = addressOf(shown);
  if (written !== `${location.search || location.pathname}`) history.replaceState(null, "", written);
}

addEventListener("popstate", () => {
  clearTimeout(timer);
  const before = state;
  state = readAddress(location.search);
  if (!state.model) state.model = before.model;
  for (const listener of [...listeners]) listener(state, before);
});
addEventListener("pagehide", () => flush(state));
