/** Plays a walk in a frame on the page: pixels on a canvas, or a film. */

import { make, wantsStillness } from "./elements.js";
import { paint } from "./pixels.js";

/** @typedef {import("./walks.js").Reel} Reel */

export class Player {
  /**
   * @param {{label: string, onframe?: (part: number, frame: ImageData | null) => void}} options `onframe` is told how
   *   far the walk is, from 0 to 1, and its pixels.
   */
  constructor({ label, onframe }) {
    this.canvas = make("canvas", { class: "pixels", width: 1, height: 1, role: "img", "aria-label": label });
    this.element = make("div", { class: "player" }, this.canvas);
    this._onframe = onframe;
    /** @type {Reel | null} */
    this._reel = null;
    /** @type {HTMLVideoElement | HTMLImageElement | null} */
    this._film = null;
    this._frame = 0;
    this._tick = 0;
    this.playing = !wantsStillness();
  }

  /**
   * Show this walk from its beginning, or from the frame that the one before was at; it moves if the player plays.
   * @param {Reel} reel
   * @param {{goOn?: boolean}} [options]
   */
  show(reel, { goOn = false } = {}) {
    this._drop();
    this._reel = reel;
    if ("film" in reel) this._showFilm(reel);
    else {
      this.canvas.hidden = false;
      this._paintFrame(goOn ? this._frame % reel.frames.length : 0);
    }
    this._run();
  }

  /** @param {boolean} playing */
  play(playing) {
    this.playing = playing;
    this._run();
  }

  /** Stand still until the next walk is shown, or the player is told to play. */
  rest() {
    cancelAnimationFrame(this._tick);
    if (this._film instanceof HTMLVideoElement) this._film.pause();
  }

  /** End, and let go of the film. */
  close() {
    this._drop();
    this._reel = null;
  }

  /** @param {{film: Blob, kind: string, loop: boolean}} reel */
  _showFilm({ film, kind, loop }) {
    const src = URL.createObjectURL(film);
    this._film =
      kind === "video"
        ? make("video", { muted: true, loop, playsInline: true, src, "aria-label": this.canvas.getAttribute("aria-label") })
        : make("img", { src, alt: this.canvas.getAttribute("aria-label") ?? "" });
    this.canvas.hidden = true;
    this.element.append(/** @type {HTMLElement} */ (this._film));
  }

  _drop() {
    cancelAnimationFrame(this._tick);
    if (this._film) {
      URL.revokeObjectURL(this._film.src);
      this._film.remove();
      this._film = null;
    }
  }

  _run() {
    cancelAnimationFrame(this._tick);
    if (this._film instanceof HTMLVideoElement) {
      if (this.playing) void this._film.play().catch(() => undefined); // a tab in the background may not
      else this._film.pause();
    }
    const reel = this._reel;
    if (!this.playing || !reel || "film" in reel || reel.frames.length < 2) return;
    const length = reel.frames.length;
    const began = performance.now() - (1000 * this._frame) / reel.fps;
    const step = () => {
      if (!this.element.isConnected) return;
      let at = Math.floor(((performance.now() - began) * reel.fps) / 1000);
      at = reel.loop ? at % length : there(at, length);
      if (at !== this._frame) this._paintFrame(at);
      this._tick = requestAnimationFrame(step);
    };
    this._tick = requestAnimationFrame(step);
  }

  /** @param {number} index */
  _paintFrame(index) {
    const reel = this._reel;
    if (!reel || "film" in reel || !reel.frames[index]) return;
    this._frame = index;
    paint(this.canvas, reel.frames[index]);
    this.canvas.classList.add("drawn");
    this._onframe?.(index / reel.frames.length, reel.frames[index]);
  }
}

/** There and back again: a walk that does not return ends at its last key, and goes back. @param {number} at @param {number} length */
function there(at, length) {
  const period = 2 * length - 2;
  const within = at % period;
  return within < length ? within : period - within;
}
