/**
 * A wall of pictures that goes on for ever: a row for each row of seeds, of which only those near the window are
 * in the document. Arrow keys lead through it.
 */

import { SEED_LIMIT } from "./address.js";
import { make } from "./elements.js";

/** @typedef {import("./easel.js").Easel} Easel */
/** @typedef {import("./catalog.js").Version} Version */
/** @typedef {{button: HTMLButtonElement, target: import("./easel.js").Target}} Tile */

const HEAD_PX = 64;
const TILE_PX = 100;
const MOST_PX = 120;
const LARGE_TILE_PX = 180;
const LEAST_GAP_PX = 5;
const MOST_GAP_PX = 14;
const ROWS_AHEAD = 3;
const GROWS_BY = 12;

export class Wall {
  /**
   * @param {Easel} easel
   * @param {{onopen: (seed: number) => void, onscroll: (first: number) => void, hover: import("./hover.js").Hover}} options
   */
  constructor(easel, { onopen, onscroll, hover }) {
    this.element = make("div", { class: "wall", role: "group", "aria-label": "Pictures", "aria-describedby": "wall-help" });
    this._easel = easel;
    this._onopen = onopen;
    this._onscroll = onscroll;
    this._hover = hover;
    /** @type {Map<number, Tile>} By place in the wall. */
    this._tiles = new Map();
    this._start = 0;
    this._rows = 0;
    this._focus = 0;
    this._side = 1;
    this._columns = 1;
    this._gap = 0;
    this._scrolled = () => this._schedule();
    addEventListener("scroll", this._scrolled, { passive: true });
    this._sized = new ResizeObserver(() => this._lay());
    this._sized.observe(this.element);
    this.element.addEventListener("keydown", (event) => this._key(event));
    this.element.addEventListener("click", (event) => this._click(event));
  }

  /** Show the seeds from `start` on. @param {number} start @param {Version} version */
  use(start, version) {
    const other = start !== this._start || version.reference !== this._version?.reference;
    this._version = version;
    this._start = start;
    if (other) {
      this._clear();
      this._rows = 0;
      this._focus = 0;
    }
    this._lay();
  }

  /** Scroll until a seed is in sight. @param {number} seed */
  scrollTo(seed) {
    const place = (seed - this._start + SEED_LIMIT) % SEED_LIMIT;
    const row = Math.floor(place / this._columns);
    this._grow(row + GROWS_BY);
    scrollTo({ top: this.element.getBoundingClientRect().top + scrollY + row * this._step - HEAD_PX });
    this._update();
  }

  /** Give a seed the keyboard's focus, if it is there. @param {number} seed */
  focus(seed) {
    this._focusOn((seed - this._start + SEED_LIMIT) % SEED_LIMIT);
  }

  close() {
    removeEventListener("scroll", this._scrolled);
    this._sized.disconnect();
    this._clear();
  }

  get _step() {
    return this._side + this._gap;
  }

  _clear() {
    for (const place of [...this._tiles.keys()]) this._drop(place);
  }

  _schedule() {
    this._soon ??= requestAnimationFrame(() => {
      this._soon = undefined;
      this._update();
      this._onscroll(this._firstInSight());
    });
  }

  _lay() {
    const width = this.element.clientWidth;
    if (!width || !this._version) return;
    const { columns, side, gap } = divide(width, Math.max(this._version.image.height, this._version.image.width));
    if (columns !== this._columns || side !== this._side || gap !== this._gap) {
      [this._columns, this._side, this._gap] = [columns, side, gap];
      this._shrunk = side < Math.max(this._version.image.height, this._version.image.width);
      this._clear();
    }
    this._grow(this._rows || GROWS_BY);
    this._update();
  }

  /** @param {number} rows */
  _grow(rows) {
    this._rows = Math.max(this._rows, rows);
    this.element.style.height = `${this._rows * this._step}px`;
  }

  _firstInSight() {
    const above = HEAD_PX - this.element.getBoundingClientRect().top;
    const row = Math.max(0, Math.round(above / this._step));
    return (this._start + row * this._columns) % SEED_LIMIT;
  }

  _update() {
    const top = -this.element.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(top / this._step) - ROWS_AHEAD);
    const last = Math.floor((top + innerHeight) / this._step) + ROWS_AHEAD;
    if (last >= this._rows - 1) this._grow(last + GROWS_BY);
    const [from, to] = [first * this._columns, (last + 1) * this._columns];
    for (const place of [...this._tiles.keys()]) if (place < from || place >= to) this._drop(place);
    /** @type {Node | null} */
    let next = null; // backwards: each goes before the one behind it, as it is read and tabbed through
    for (let place = to - 1; place >= from; place -= 1) {
      next = this._tiles.get(place)?.button ?? this._put(place, next);
    }
  }

  /** @param {number} place @param {Node | null} next @returns {HTMLButtonElement} */
  _put(place, next) {
    const seed = (this._start + place) % SEED_LIMIT;
    const canvas = make("canvas", { class: this._shrunk ? "" : "pixels", width: 1, height: 1 });
    const button = make("button", {
      type: "button", class: "tile", "aria-label": `Picture ${seed}`, tabIndex: place === this._focus ? 0 : -1,
      data: { place: String(place), seed: String(seed) },
    }, canvas);
    const [row, column] = [Math.floor(place / this._columns), place % this._columns];
    Object.assign(button.style, {
      width: `${this._side}px`, height: `${this._side}px`,
      transform: `translate(${column * this._step}px, ${row * this._step}px)`,
    });
    const target = { seed, canvas };
    this._tiles.set(place, { button, target });
    this._hover.watch(button, seed, canvas);
    this.element.insertBefore(button, next);
    this._easel.add(target);
    return button;
  }

  /** @param {number} place */
  _drop(place) {
    const tile = this._tiles.get(place);
    if (!tile) return;
    this._easel.remove(tile.target);
    tile.button.remove();
    this._tiles.delete(place);
  }

  /** @param {Event} event */
  _click(event) {
    const tile = /** @type {HTMLElement} */ (event.target).closest?.("button.tile");
    if (tile instanceof HTMLElement) this._onopen(Number(tile.dataset.seed));
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this._columns, ArrowDown: this._columns };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this._focusOn(this._focus + step);
  }

  /** @param {number} place */
  _focusOn(place) {
    if (place < 0) return;
    const before = this._tiles.get(this._focus);
    if (before) before.button.tabIndex = -1;
    this._focus = place;
    const row = Math.floor(place / this._columns);
    const top = this.element.getBoundingClientRect().top + row * this._step;
    if (top < HEAD_PX) scrollBy({ top: top - HEAD_PX });
    else if (top + this._step > innerHeight) scrollBy({ top: top + this._step - innerHeight });
    this._update();
    const tile = this._tiles.get(place);
    if (!tile) return;
    tile.button.tabIndex = 0;
    tile.button.focus({ preventScroll: true });
  }
}

/**
 * How many tiles go into a row, how large and how far apart: small pictures so many times as large as they are that
 * all their pixels are squares of one size on the screen.
 * @param {number} width Of the wall.
 * @param {number} native Of a picture's longer side.
 */
function divide(width, native) {
  const wished = Math.min(native > TILE_PX ? LARGE_TILE_PX : TILE_PX, width / 3.4);
  const grain = native / Math.max(1, Math.floor(devicePixelRatio));
  const fits = Math.max(Math.round(native / grain), Math.floor(wished / grain));
  const more = Math.max(0, Math.floor(MOST_PX / grain) - fits);
  const sides = native > wished ? [wished] : Array.from({ length: 1 + more }, (_, index) => (fits + index) * grain);
  const found = sides.map((side) => {
    const columns = Math.max(2, Math.floor((width + LEAST_GAP_PX) / (side + LEAST_GAP_PX)));
    return { columns, side, gap: Math.floor((100 * (width - columns * side)) / (columns - 1)) / 100 };
  });
  const best = found.filter(({ gap }) => gap >= 0).sort((one, other) => one.gap - other.gap)[0] ?? found[0];
  return best.gap > MOST_GAP_PX ? { ...best, gap: MOST_GAP_PX } : best;
}
