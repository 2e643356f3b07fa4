/** The key pictures of a walk, numbered: carried about, or moved by Alt and the arrow keys, and taken away by Delete. */

import { make, makeButton } from "./elements.js";
import { say } from "./notices.js";
import { Reordering } from "./reordering.js";

/** @typedef {import("./easel.js").Easel} Easel */

export class KeyStrip {
  /** @param {Easel} easel @param {(keys: number[]) => void} onchange */
  constructor(easel, onchange) {
    this._easel = easel;
    this._onchange = onchange;
    /** @type {number[]} */
    this._keys = [];
    /** @type {import("./easel.js").Target[]} */
    this._targets = [];
    this.element = make("ol", { class: "keys", "aria-label": "Key pictures" });
    new Reordering(this.element, (from, to) => this._move(from, to));
  }

  /** Show these keys. @param {number[]} keys */
  use(keys) {
    if (String(keys) === String(this._keys) && this._targets.length) return;
    this._keys = keys;
    this.close();
    this.element.replaceChildren(...keys.map((seed, index) => this._lay(seed, index)));
    for (const target of this._targets) this._easel.add(target);
  }

  close() {
    for (const target of this._targets) this._easel.remove(target);
    this._targets = [];
  }

  /** @param {number} seed @param {number} index */
  _lay(seed, index) {
    const canvas = make("canvas", { class: "pixels", width: 1, height: 1 });
    this._targets.push({ seed, canvas });
    const handle = make("button", {
      type: "button", class: "key", "aria-label": `Key ${index + 1}, seed ${seed}`,
      "aria-description": "Alt and an arrow key move it, Delete takes it away.",
      onkeydown: (/** @type {KeyboardEvent} */ event) => this._key(event, index),
    }, canvas);
    return make("li", {}, handle, make("span", { class: "number", "aria-hidden": "true" }, String(index + 1)), make("span", { class: "of" }, String(seed)),
    make("span", { class: "moves" },
      makeButton(`Move key ${index + 1} to the left`, "‹", () => this._move(index, index - 1), { class: "plain", disabled: index === 0 }),
      makeButton(`Take key ${index + 1} away`, "×", () => this._remove(index), { class: "plain" }),
      makeButton(`Move key ${index + 1} to the right`, "›", () => this._move(index, index + 1), { class: "plain", disabled: index === this._keys.length - 1 })));
  }

  /** @param {KeyboardEvent} event @param {number} index */
  _key(event, index) {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (event.key === "Delete" || event.key === "Backspace") this._remove(index);
    else if (step && event.altKey) this._move(index, index + step);
    else if (step) this._focus(index + step);
    else return;
    event.preventDefault();
  }

  /** @param {number} from @param {number} to */
  _move(from, to) {
    if (from === to || to < 0 || to >= this._keys.length) return;
    const keys = [...this._keys];
    keys.splice(to, 0, ...keys.splice(from, 1));
    this._onchange(keys);
    this._focus(to);
    say(`Seed ${keys[to]} is key ${to + 1} of ${keys.length} now.`, { id: "moved", forS: 2 });
  }

  /** @param {number} index */
  _remove(index) {
    this._onchange(this._keys.filter((_, each) => each !== index));
    this._focus(Math.min(index, this._keys.length - 1));
  }

  /** @param {number} index */
  _focus(index) {
    const handles = this.element.querySelectorAll("button.key");
    handles[index]?.focus();
  }
}
