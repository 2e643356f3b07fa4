/** The first view: the stage, the wall, and the controls beside them. */

import { Controls, shuffle } from "./controls.js";
import { Easel } from "./easel.js";
import { make } from "./elements.js";
import { Hover } from "./hover.js";
import { Lightbox } from "./lightbox.js";
import { openingOf } from "./openings.js";
import { Stage } from "./stage.js";
import { go, now } from "./state.js";
import { Wall } from "./wall.js";

/** @typedef {import("./address.js").State} State */
/** @typedef {import("./catalog.js").Version} Version */

const KEYS = 6;
const LIVE_MS = 250;

export class PicturesView {
  constructor() {
    this._easel = new Easel();
    this._hover = new Hover();
    this._controls = new Controls({ seed: true });
    this._lightbox = new Lightbox(this._easel, { onclose: (seed) => this._wall.focus(seed) });
    this._stage = new Stage({
      onother: () => shuffle(),
      onopen: () => this._openWalk(),
      onmoving: () => this._easel.remove(this._stage.target),
    });
    this._wall = new Wall(this._easel, {
      hover: this._hover,
      onopen: (seed) => go({ picture: seed }, { step: true }),
      onscroll: (at) => now().view === "pictures" && at !== (now().at ?? now().seed) && go({ at }),
    });
    this.element = make("div", { class: "beside" },
      make("div", { class: "pictures" }, this._stage.element,
        make("p", { class: "unseen", id: "wall-help" }, "Arrow keys lead from picture to picture, Enter shows one large."),
        this._wall.element),
      this._controls.element);
    this.element.easel = this._easel; // tests and benchmarks count its redraws
  }

  /** Show a state. @param {State} state @param {Version} version @param {State} [before] */
  use(state, version, before) {
    const seed = state.seed ?? 0;
    this._version = version;
    this._controls.use(state, version);
    this._hover.use(state, version);
    if (!before) this._showStill(state, version);
    this._easel.use(state, version);
    this._stageKeys(state, version, before);
    const moved = !before || before.seed !== state.seed || before.model !== state.model;
    if (moved) {
      this._wall.use(seed, version);
      if (state.at !== null && state.at !== seed) this._wall.scrollTo(state.at);
      else if (before) scrollTo({ top: 0 });
    }
    this._lightbox.use(state.picture, version);
  }

  close() {
    this._stage.close();
    this._wall.close();
    this._easel.close();
    if (this._lightbox.dialog.open) this._lightbox.dialog.close();
    clearTimeout(this._rest);
  }

  /** The first picture of the walk comes alone and before all others, and stands until it moves. @param {State} state @param {Version} version */
  _showStill(state, version) {
    const { target } = this._stage;
    [target.seed] = this.keysOf(state, version);
    this._easel.add(target);
  }

  /** While sliders move, the stage shows its first key live; when they rest it walks again. @param {State} state @param {Version} version @param {State} [before] */
  _stageKeys(state, version, before) {
    const keys = this.keysOf(state, version);
    const target = this._stage.target;
    const live = before && before.seed === state.seed && before.model === state.model && !sameLook(before, state);
    if (live && this._stage.inSight) {
      if (target.seed !== keys[0]) target.seed = keys[0];
      target.drawn = undefined;
      this._stage.player.rest();
      this._stage.player.canvas.hidden || this._easel.add(target);
      clearTimeout(this._rest);
      this._rest = setTimeout(() => this._easel.remove(target), LIVE_MS);
    }
    this._stage.use(keys, state, version);
  }

  /** The keys of the stage's walk: chosen ones at the opening, else the wall's first. @param {State} state @param {Version} version */
  keysOf(state, version) {
    const opening = openingOf(version.reference);
    if (state.seed === null || state.seed === opening.seed) return opening.keys;
    const first = state.seed;
    return Array.from({ length: KEYS }, (_, index) => (first + index) % 2 ** 32);
  }

  _openWalk() {
    if (!this._version) return;
    go({ view: "walk", keys: this.keysOf(now(), this._version), picture: null }, { step: true });
  }
}

/** @param {State} one @param {State} other */
function sameLook(one, other) {
  const names = /** @type {const} */ (["label", "blend", "share", "truncation", "directions"]);
  return names.every((name) => one[name] === other[name]);
}
