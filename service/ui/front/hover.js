/** Under the pointer a picture takes a short walk, to the next one and back. */

import { wantsStillness } from "./elements.js";
import { paint } from "./pixels.js";
import { recall } from "./pictures.js";
import { nameLook } from "./look.js";
import { SEED_LIMIT } from "./address.js";
import { fetchReel } from "./walks.js";

const RESTS_MS = 120;
const FRAMES = 32;
const FPS = 20;
const MOST_PIXELS = 128 * 128;

export class Hover {
  constructor() {
    /** @type {import("./address.js").Look | null} */
    this._look = null;
    /** @type {import("./catalog.js").Version | null} */
    this._version = null;
    this._end = () => {};
  }

  /** @param {import("./address.js").Look} look @param {import("./catalog.js").Version} version */
  use(look, version) {
    this._end();
    [this._look, this._version] = [look, version];
  }

  /** Let a picture walk while the pointer rests on it. @param {HTMLElement} element @param {number} seed @param {HTMLCanvasElement} canvas */
  watch(element, seed, canvas) {
    element.addEventListener("pointerenter", (event) => {
      if (event.pointerType === "mouse" && !wantsStillness()) this._begin(seed, canvas);
    });
    element.addEventListener("pointerleave", () => this._end());
  }

  /** @param {number} seed @param {HTMLCanvasElement} canvas */
  _begin(seed, canvas) {
    this._end();
    const [look, version] = [this._look, this._version];
    if (!look || !version || version.image.height * version.image.width > MOST_PIXELS) return;
    const leaving = new AbortController();
    let tick = 0;
    const timer = setTimeout(async () => {
      try {
        const way = { seeds: [seed, (seed + 1) % SEED_LIMIT], frames: FRAMES, loop: true, easing: "smooth" };
        const reel = await fetchReel(way, look, version, leaving.signal, false);
        if (!("frames" in reel) || leaving.signal.aborted) return;
        const began = performance.now();
        const step = () => {
          paint(canvas, reel.frames[Math.floor(((performance.now() - began) * FPS) / 1000) % reel.frames.length]);
          tick = requestAnimationFrame(step);
        };
        step();
      } catch {
        // It is a nicety: whoever wants pictures is told by those what is wrong.
      }
    }, RESTS_MS);
    this._end = () => {
      clearTimeout(timer);
      cancelAnimationFrame(tick);
      leaving.abort();
      const still = recall(seed, nameLook(look, version));
      if (still && tick) paint(canvas, still);
      this._end = () => {};
    };
  }
}
