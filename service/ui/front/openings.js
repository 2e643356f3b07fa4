/** What one sees first of a model, where the address does not say: seeds and looks that were chosen by eye. */

/** @typedef {{seed: number, label?: string, truncation: number, keys: number[]}} Opening */

/** @type {Record<string, Opening>} */
const CHOSEN = {
  "fashion@v2": { seed: 0, truncation: 0.8, keys: [2, 34, 3, 12, 6, 29] },
  "emoji@v1": { seed: 15, label: "smiley", truncation: 0.6, keys: [344, 565, 52, 499, 406, 472] },
};
const USUAL = { seed: 0, truncation: 0.8, keys: [0, 1, 2, 3, 4, 5] };

/** @param {string} reference `NAME@VERSION`. @returns {Opening} */
export function openingOf(reference) {
  return Object.hasOwn(CHOSEN, reference) ? CHOSEN[reference] : USUAL;
}
