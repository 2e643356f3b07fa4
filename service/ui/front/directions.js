/** Sliders along a model's directions, each with what it does to a picture. */

import { isAborted } from "./api.js";
import { make } from "./elements.js";
import { wordFor } from "./openings.js";
import { paint } from "./pixels.js";
import { fetchPictures } from "./pictures.js";
import { go, now } from "./state.js";

/** @typedef {import("./address.js").State} State */
/** @typedef {import("./catalog.js").Version} Version */

const REACH = 3;
const SHOWN = 2.5;
const MOST = 8;

export class DirectionSliders {
  constructor() {
    this._list = make("div", {});
    this.element = make("section", { class: "directions", "aria-label": "Directions", hidden: true }, this._list);
    /** @type {Map<string, {range: HTMLInputElement, told: HTMLElement}>} */
    this._sliders = new Map();
    this._leaving = new AbortController();
  }

  /** Lay out the sliders of a version, and show how far each is moved. @param {State} state @param {Version} version */
  use(state, version) {
    const names = version.directions;
    if (this._laid !== version.reference) {
      this._laid = version.reference;
      this._lay(names.slice(0, MOST), version.reference);
    }
    this.element.hidden = !names.length;
    for (const [name, { range, told }] of this._sliders) {
      const amount = Object.hasOwn(state.directions, name) ? state.directions[name] : 0;
      if (range.valueAsNumber !== amount) range.value = String(amount);
      const part = 50 + (50 * Math.max(-REACH, Math.min(REACH, amount))) / REACH;
      range.style.setProperty("--from", `${Math.min(50, part)}%`); // what is moved is drawn from the middle
      range.style.setProperty("--part", `${Math.max(50, part)}%`);
      told.textContent = amount ? `${amount > 0 ? "+" : "−"}${Math.abs(amount)}` : "";
    }
    const sight = `${version.reference} ${state.label} ${shownSeed(state)} ${names.length}`;
    if (sight !== this._drawn && names.length) {
      this._drawn = sight;
      clearTimeout(this._timer);
      this._timer = setTimeout(() => void this._draw(state, version), 700); // after the pictures themselves
    }
  }

  /** @param {string[]} names @param {string} reference */
  _lay(names, reference) {
    this._sliders.clear();
    const rows = names.map((name, index) => {
      const id = `direction-${index}`;
      const range = make("input", { type: "range", id, min: -REACH, max: REACH, step: 0.05, value: "0" });
      range.addEventListener("input", () => move(name, range.valueAsNumber));
      range.addEventListener("dblclick", () => move(name, 0));
      const told = make("output", { htmlFor: id });
      this._sliders.set(name, { range, told });
      const end = (/** @type {number} */ sign) => make("canvas", { class: "pixels", width: 1, height: 1, data: { name, sign: String(sign) }, "aria-hidden": "true" });
      const word = wordFor(reference, name);
      const own = word === name ? null : make("code", { title: "Its name in the API" }, ` ${name}`);
      return make("div", { class: "control direction" },
        make("label", { htmlFor: id }, make("span", {}, word, own), " ", told),
        make("div", { class: "row" }, end(-1), range, end(1)));
    });
    this._list.replaceChildren(...rows);
  }

  /** Draw the first picture moved to both ends of each. @param {State} state @param {Version} version */
  async _draw(state, version) {
    this._leaving.abort();
    this._leaving = new AbortController();
    const { signal } = this._leaving;
    const seed = shownSeed(state);
    try {
      for (const canvas of this._list.querySelectorAll("canvas")) {
        const directions = { [canvas.dataset.name]: SHOWN * Number(canvas.dataset.sign) };
        const [picture] = await fetchPictures([seed], { ...state, truncation: 0.8, directions }, version, { signal, patient: false });
        paint(canvas, picture);
      }
    } catch (error) {
      if (!isAborted(error)) this._drawn = ""; // the sliders work without them
    }
  }
}

/** Whose picture the ends show: the first of the wall, or of the walk. @param {State} state */
function shownSeed(state) {
  return (state.view === "walk" ? state.keys[0] : state.seed) ?? 0;
}

/** @param {string} name @param {number} amount */
function move(name, amount) {
  go({ directions: { ...now().directions, [name]: amount } });
}
