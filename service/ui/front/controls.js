/** What shapes the pictures, beside them: seed, class, truncation, directions. All of it is live. */

import { SEED_LIMIT } from "./address.js";
import { curlPost } from "./curl.js";
import { DirectionSliders } from "./directions.js";
import { make, makeButton } from "./elements.js";
import { fieldsOf } from "./look.js";
import { copy, nameFile } from "./saving.js";
import { go, linkTo, now } from "./state.js";

/** @typedef {import("./address.js").State} State */
/** @typedef {import("./catalog.js").Version} Version */

const DRAWN_BELOW = 1_000_000;
const COPIED = 16;

export class Controls {
  /** @param {{seed: boolean}} options Whether there is a wall whose first seed can be chosen. */
  constructor({ seed }) {
    this._seed = make("input", {
      type: "number", id: "seed", min: 0, max: SEED_LIMIT - 1, step: 1, inputMode: "numeric",
      onchange: () => this._readSeed(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && this._readSeed(),
    });
    this._classes = make("div", { class: "chips", role: "group", "aria-label": "Class" });
    this._blend = make("select", { id: "blend", onchange: () => go({ blend: this._blend.value }) });
    this._share = this._range("share", 0, 1, 0.01, (share) => go({ share }));
    this._truncation = this._range("truncation", 0.05, 1, 0.01, (truncation) => go({ truncation }));
    this._told = make("output", { htmlFor: "truncation" });
    this._sharing = make("div", { class: "control", hidden: true }, make("label", { htmlFor: "blend" }, "Blend with"), this._blend, this._share);
    this._classing = make("div", { class: "control", hidden: true }, make("p", { class: "name" }, "Class"), this._classes);
    this._directions = new DirectionSliders();
    const seeding = make("div", { class: "control" }, make("label", { htmlFor: "seed" }, "First seed"),
      make("div", { class: "row" }, this._seed, makeButton("Other pictures", "Shuffle", () => shuffle(), { id: "shuffle" })));
    this._body = make("div", { class: "body", id: "controls-body" },
      seed ? seeding : null, this._classing, this._sharing,
      make("div", { class: "control" }, make("label", { htmlFor: "truncation" }, "Truncation ", this._told), this._truncation,
        make("p", { class: "hint" }, make("span", {}, "alike"), make("span", {}, "varied"))),
      this._directions.element,
      make("div", { class: "acts" },
        makeButton("Back to plain pictures", "Reset", () => go({ label: "", blend: "", share: 0.5, truncation: 1, directions: {} }, { step: true })),
        makeButton("Copy the link to this view", "Copy link", () => void copy(linkTo(now()), "The link")),
        seed ? makeButton("Copy the curl line that draws the first of these", "Copy curl", () => void copy(this.curl(), "The curl line"), { id: "copy-wall-curl" }) : null));
    this._handle = makeButton("Controls", "Controls", () => this._fold(), {
      class: "handle", "aria-expanded": "false", "aria-controls": "controls-body",
    });
    this.element = make("aside", { class: "controls", "aria-label": "Controls" }, this._handle, this._body);
  }

  /** @param {State} state @param {Version} version */
  use(state, version) {
    this._version = version;
    if (document.activeElement !== this._seed) this._seed.value = String(state.seed ?? 0);
    this._useClasses(state, version);
    this._set(this._truncation, state.truncation);
    this._told.textContent = state.truncation.toFixed(2);
    this._directions.use(state, version);
  }

  /** The line that gets the wall's first pictures: what the controls say, by the API's own names. */
  curl() {
    const version = /** @type {Version} */ (this._version), seed = now().seed ?? 0;
    const fields = { ...fieldsOf(now(), version), seed, count: Math.min(COPIED, SEED_LIMIT - seed) };
    return curlPost("generate", fields, nameFile(version.reference, `from-${seed}`, "png"));
  }

  /** @param {State} state @param {Version} version */
  _useClasses(state, version) {
    this._classing.hidden = !version.classes.length;
    this._sharing.hidden = !state.label || version.classes.length < 2;
    if (this._laid !== version.reference) {
      this._laid = version.reference;
      const chip = (/** @type {string} */ label) => make("button", {
        type: "button", class: "chip", data: { label }, "aria-pressed": "false",
        onclick: () => go({ label, ...(label && label !== now().blend ? {} : { blend: "" }) }, { step: true }),
      }, label || "any");
      this._classes.replaceChildren(...["", ...version.classes].map(chip));
    }
    for (const chip of this._classes.children) chip.setAttribute("aria-pressed", String(chip.dataset.label === state.label));
    const others = version.classes.filter((label) => label !== state.label);
    const key = `${version.reference} ${state.label}`;
    if (this._blends !== key) {
      this._blends = key;
      this._blend.replaceChildren(make("option", { value: "" }, "nothing"), ...others.map((label) => make("option", { value: label }, label)));
    }
    this._blend.value = state.blend;
    this._share.hidden = !state.blend;
    this._share.setAttribute("aria-label", `Share of ${state.blend || "the other class"}`);
    this._set(this._share, state.share);
  }

  /** @param {string} id @param {number} min @param {number} max @param {number} step @param {(value: number) => void} act */
  _range(id, min, max, step, act) {
    const range = make("input", { type: "range", id, min, max, step });
    range.addEventListener("input", () => act(range.valueAsNumber));
    return range;
  }

  /** @param {HTMLInputElement} range @param {number} value */
  _set(range, value) {
    if (range.valueAsNumber !== value) range.value = String(value);
    range.style.setProperty("--part", `${(100 * (value - Number(range.min))) / (Number(range.max) - Number(range.min))}%`);
  }

  _readSeed() {
    const seed = this._seed.valueAsNumber;
    if (!Number.isInteger(seed) || seed < 0 || seed >= SEED_LIMIT) {
      this._seed.setCustomValidity(`A seed is a whole number from 0 to ${SEED_LIMIT - 1}.`);
      this._seed.reportValidity();
      return;
    }
    this._seed.setCustomValidity("");
    if (seed !== now().seed) go({ seed, at: null }, { step: true });
  }

  _fold() {
    const open = this.element.classList.toggle("open");
    this._handle.setAttribute("aria-expanded", String(open));
  }
}

/** Other seeds, from a number that is easy to read. */
export function shuffle() {
  const [drawn] = crypto.getRandomValues(new Uint32Array(1));
  go({ seed: drawn % DRAWN_BELOW, at: null }, { step: true });
}
