/** The stage: the first thing one sees, a walk that moves, large. It stands on the ground of its own pictures. */

import { isAborted, report } from "./api.js";
import { make, makeButton } from "./elements.js";
import { nameLook } from "./look.js";
import { standOn } from "./ground.js";
import { wholeScale } from "./pixels.js";
import { Player } from "./player.js";
import { fetchReel } from "./walks.js";

/** @typedef {import("./address.js").State} State */
/** @typedef {import("./catalog.js").Version} Version */

const FRAMES_BETWEEN = 24;
const SETTLED_MS = 300;
const MOST_PIXELS = 6_000_000;

export class Stage {
  /** @param {{onother: () => void, onopen: () => void, onmoving: () => void}} options `onmoving` is told when the walk has come. */
  constructor({ onother, onopen, onmoving }) {
    this._onmoving = onmoving;
    this.player = new Player({ label: "A walk between pictures", onframe: (_, frame) => standOn(this.element, frame) });
    this.title = make("h1", {});
    this.told = make("p", { class: "told" });
    this.pauseButton = makeButton("Pause", "Pause", () => this.play(!this.player.playing), { class: "plain", id: "pause" });
    this.element = make(
      "section",
      { class: "stage", "aria-label": "A walk" },
      this.player.element,
      make("div", { class: "caption" }, make("div", {}, this.title, this.told), make(
        "p", { class: "acts" },
        this.pauseButton,
        makeButton("Another walk", "Another", onother, { class: "plain" }),
        makeButton("Open this walk", "Open walk", onopen, { class: "plain" }),
      )),
    );
    this._name = "";
    this._timer = 0;
    this._leaving = new AbortController();
    this._sized = new ResizeObserver(() => this._resize());
    this._sized.observe(this.element);
    /** What the easel draws while sliders move. @type {import("./easel.js").Target} */
    this.target = { seed: -1, canvas: this.player.canvas, first: true, onpaint: (picture) => standOn(this.element, picture) };
    this.play(this.player.playing);
  }

  /** Walk by way of these keys in this look. @param {number[]} keys @param {State} state @param {Version} version */
  use(keys, state, version) {
    this._version = version;
    const name = `${keys} ${nameLook(state, version)}`;
    const word = state.label || version.name;
    this.title.textContent = `This picture does not exist: ${word}.`; // a model may be called anything, in any number
    this.told.textContent = `A network drew it from a number: by way of ${keys.join(", ")}.`;
    if (name === this._name) return;
    const first = !this._name;
    if (first) this._resize();
    this._name = name;
    clearTimeout(this._timer);
    if (first) void this._load(keys, state, version, first);
    else this._timer = setTimeout(() => void this._load(keys, state, version, first), SETTLED_MS);
  }

  /** @param {boolean} playing */
  play(playing) {
    this.player.play(playing);
    this.pauseButton.textContent = playing ? "Pause" : "Play";
    this.pauseButton.setAttribute("aria-label", playing ? "Pause the walk" : "Play the walk");
  }

  /** Whether it can be seen. */
  get inSight() {
    const box = this.element.getBoundingClientRect();
    return box.bottom > 80 && box.top < innerHeight;
  }

  close() {
    clearTimeout(this._timer);
    this._leaving.abort();
    this._sized.disconnect();
    this.player.close();
  }

  /** @param {number[]} keys @param {State} state @param {Version} version @param {boolean} first */
  async _load(keys, state, version, first) {
    this._leaving.abort();
    this._leaving = new AbortController();
    const fits = Math.floor(MOST_PIXELS / (version.image.height * version.image.width));
    const frames = Math.max(keys.length, Math.min(FRAMES_BETWEEN * keys.length, fits));
    this.element.setAttribute("aria-busy", "true");
    try {
      const between = Math.floor(frames / keys.length);
      const fps = Math.max(4, Math.min(24, between));
      const usual = { easing: "smooth", fps };
      const { signal } = this._leaving;
      if (first && keys.length > 1) {
        // The way to the second key alone comes at once; the whole walk begins with the same frames.
        const begun = { ...usual, seeds: keys.slice(0, 2), frames: between + 1 };
        this._show(await fetchReel(begun, state, version, signal));
      }
      const whole = { ...usual, seeds: keys, frames: between * keys.length, loop: true };
      this._show(await fetchReel(whole, state, version, signal), { goOn: first });
      this.element.removeAttribute("aria-busy");
    } catch (error) {
      if (!isAborted(error)) report(error);
    }
  }

  /** @param {import("./walks.js").Reel} reel @param {{goOn?: boolean}} [options] */
  _show(reel, options) {
    this._onmoving();
    this.player.show(reel, options);
    this._resize();
  }

  _resize() {
    const image = this._version?.image;
    const room = this.element.clientWidth;
    if (!image || !room) return;
    const tall = Math.min(room, innerHeight * (innerWidth < 640 ? 0.46 : 0.57), 640);
    const side = Math.max(image.height, image.width);
    const scale = side <= tall ? wholeScale(side, tall) : tall / side;
    this.player.element.style.width = `${image.width * scale}px`;
    this.player.element.style.height = `${image.height * scale}px`;
  }
}
