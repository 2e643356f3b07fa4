/**
 * Canvases that each show a seed, redrawn whenever the look changes: those nearest to the middle of the window
 * first, and while it keeps changing so few at once that they change twenty times a second and more.
 */

import { Problem, asksTooMuch, isAborted, pause, report } from "./api.js";
import { nameLook } from "./look.js";
import { fetchPictures, mostAtOnce, recall } from "./pictures.js";
import { paint } from "./pixels.js";

/** @typedef {import("./address.js").Look} Look */
/** @typedef {import("./catalog.js").Version} Version */
/** @typedef {{seed: number, canvas: HTMLCanvasElement, first?: boolean, drawn?: string, onpaint?: (picture: import("./pixels.js").Picture) => void}} Target */

const FRAME_MS = 42;
const LIVE_MS = 200;
const FIRST_BATCH = 8;
/** Requests under way: while one is drawn, the other is on its way. */
const AT_ONCE = 2;

export class Easel {
  constructor() {
    /** @type {Set<Target>} */
    this._targets = new Set();
    /** @type {Look | null} */
    this._look = null;
    /** @type {Version | null} */
    this._version = null;
    this._name = "";
    this._changedAt = -Infinity;
    this._running = 0;
    this._atOnce = FIRST_BATCH;
    /** As many as one request may ask this service for, once it refused more. */
    this._most = Infinity;
    this._failedName = "";
    this._leaving = new AbortController();
    /** Redraws with pictures of a new look so far, for who measures. */
    this.redraws = 0;
  }

  /** Show everything in a look. @param {Look} look @param {Version} version */
  use(look, version) {
    const name = nameLook(look, version);
    if (name === this._name) return;
    if (this._version?.reference !== version.reference) this._leave();
    if (this._name) this._changedAt = performance.now();
    [this._look, this._version, this._name, this._failedName] = [look, version, name, ""];
    this._pump();
  }

  /** Show a seed from now on. @param {Target} target */
  add(target) {
    this._targets.add(target);
    this._recall(target) || this._pumpSoon();
  }

  /** @param {Target} target */
  remove(target) {
    this._targets.delete(target);
  }

  /** End: what is under way is given up. */
  close() {
    this._targets.clear();
    this._leave();
  }

  /** Whether all canvases show the look of now. */
  get settled() {
    return this._running === 0 && this._stale().length === 0;
  }

  /** How many pictures one request brings while sliders move. */
  get atOnce() {
    return this._atOnce;
  }

  _leave() {
    this._leaving.abort();
    this._leaving = new AbortController();
  }

  _pumpSoon() {
    this._soon ??= requestAnimationFrame(() => {
      this._soon = undefined;
      this._pump();
    });
  }

  _pump() {
    if (!this._look || !this._version || this._failedName === this._name) return;
    const live = performance.now() - this._changedAt < LIVE_MS;
    const most = Math.min(this._most, mostAtOnce(this._version));
    while (this._running < AT_ONCE) {
      const stale = this._stale().slice(0, live ? Math.min(this._atOnce, most) : most);
      if (!stale.length) return;
      void this._draw(stale, live);
    }
  }

  /** @param {Target[]} targets @param {boolean} live */
  async _draw(targets, live) {
    const [look, version, name, signal] = [this._look, this._version, this._name, this._leaving.signal];
    if (!look || !version) return;
    for (const target of targets) target.drawn = `… ${name}`;
    this._running += 1;
    const began = performance.now();
    try {
      const pictures = await fetchPictures([...new Set(targets.map((target) => target.seed))], look, version, {
        signal,
        patient: !live,
      });
      const bySeed = new Map([...new Set(targets.map((target) => target.seed))].map((seed, i) => [seed, pictures[i]]));
      for (const target of targets) this._paint(target, name, /** @type {any} */ (bySeed.get(target.seed)));
      if (live) {
        this.redraws += 1;
        this._adapt(targets.length, performance.now() - began);
      }
    } catch (error) {
      for (const target of targets) if (target.drawn === `… ${name}`) target.drawn = undefined;
      if (asksTooMuch(error) && targets.length > 1) this._most = Math.ceil(targets.length / 2);
      else if (!isAborted(error)) await this._excuse(error, name, live);
    } finally {
      this._running -= 1;
      this._pump();
    }
  }

  /** After a refusal while sliders move, the patient way is tried once they rest. @param {unknown} error @param {string} name @param {boolean} live */
  async _excuse(error, name, live) {
    if (live && error instanceof Problem && (error.status >= 429 || error.status === 0)) {
      this._changedAt = -Infinity;
      await pause(0.2);
      return;
    }
    if (name === this._name) this._failedName = name;
    report(error);
  }

  /** @param {number} count @param {number} ms */
  _adapt(count, ms) {
    if (ms > FRAME_MS) this._atOnce = Math.max(1, Math.floor(this._atOnce * Math.max(0.5, FRAME_MS / ms)));
    else if (count >= this._atOnce && ms < 0.8 * FRAME_MS) this._atOnce = Math.min(64, this._atOnce + 1);
  }

  /** What does not show the look of now, the most looked at first. @returns {Target[]} */
  _stale() {
    const waiting = `… ${this._name}`;
    const middle = [innerWidth / 2, innerHeight / 2];
    return [...this._targets]
      .filter((target) => target.drawn !== this._name && target.drawn !== waiting && !this._recall(target))
      .map((target) => {
        const box = target.canvas.getBoundingClientRect();
        const apart = Math.hypot(box.x + box.width / 2 - middle[0], box.y + box.height / 2 - middle[1]);
        return { target, apart: target.first ? -1 : apart };
      })
      .sort((one, other) => one.apart - other.apart)
      .map(({ target }) => target);
  }

  /** @param {Target} target @returns {boolean} Whether it is drawn now. */
  _recall(target) {
    const picture = this._name ? recall(target.seed, this._name) : undefined;
    if (picture) this._paint(target, this._name, picture);
    return Boolean(picture);
  }

  /** @param {Target} target @param {string} name @param {import("./pixels.js").Picture} picture */
  _paint(target, name, picture) {
    if (!this._targets.has(target)) return;
    target.drawn = name;
    paint(target.canvas, picture);
    target.canvas.classList.add("drawn");
    target.onpaint?.(picture);
  }
}
