/** What one sees first of a model, where the address does not say: seeds and looks that were chosen by eye. */

/** @typedef {{seed: number, label?: string, truncation: number, keys: number[]}} Opening */

/** @type {Record<string, Opening>} */
const CHOSEN = {
  "fashion@v2": { seed: 0, truncation: 0.8, keys: [2, 34, 3, 12, 6, 29] },
  "emoji@v1": { seed: 15, label: "smiley", truncation: 0.6, keys: [344, 565, 52, 499, 406, 472] },
};
CHOSEN["fashion@v3"] = CHOSEN["fashion@v2"]; // the same pictures, on a grid
CHOSEN["emoji@v2"] = CHOSEN["emoji@v1"]; // the same generator, with directions
CHOSEN["emoji@v3"] = CHOSEN["emoji@v1"]; // the same pictures, on a grid
CHOSEN["emoji@v4"] = CHOSEN["emoji@v1"]; // the same, twice as large

/** Words, also chosen by eye, for directions that were published under their numbers. @type {Record<string, Record<string, string>>} */
const WORDS = { "fashion@v2": { 2: "plainness", 3: "boxiness", 4: "brightness", 5: "roundness" } };
WORDS["fashion@v3"] = WORDS["fashion@v2"];

const USUAL = { seed: 0, truncation: 0.8, keys: [0, 1, 2, 3, 4, 5] };

/** What a direction is called here. @param {string} reference @param {string} name @returns {string} */
export function wordFor(reference, name) {
  const words = Object.hasOwn(WORDS, reference) ? WORDS[reference] : {};
  if (Object.hasOwn(words, name)) return words[name];
  return /^\d{1,4}$/.test(name) ? `Direction ${Number(name) + 1}` : name;
}

/** @param {string} reference `NAME@VERSION`. @returns {Opening} */
export function openingOf(reference) {
  return Object.hasOwn(CHOSEN, reference) ? CHOSEN[reference] : USUAL;
}
