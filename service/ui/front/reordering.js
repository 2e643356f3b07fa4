/** Items of a list carried to another place: at once by a mouse or a pen, after a moment under a finger, which else scrolls. */

const STARTS_PX = 5;
const HELD_MS = 250;
const EDGE_PX = 40;
const SCROLL_PX = 9;

export class Reordering {
  /** @param {HTMLElement} list Its children are carried, along x. @param {(from: number, to: number) => void} onmove */
  constructor(list, onmove) {
    this._list = list;
    this._onmove = onmove;
    /** The item under the pointer. @type {HTMLElement | null} */
    this._item = null;
    this._lifted = false;
    this._timer = 0;
    this._beganX = this._x = this._scrolled = 0;
    list.addEventListener("pointerdown", (event) => this._press(event));
    list.addEventListener("pointermove", (event) => this._carry(event));
    list.addEventListener("pointerup", () => this._drop(true));
    list.addEventListener("pointercancel", () => this._drop(false));
    list.addEventListener("touchmove", (event) => this._lifted && event.preventDefault(), { passive: false });
    list.addEventListener("contextmenu", (event) => this._item && event.preventDefault());
    list.addEventListener("keydown", (event) => event.key === "Escape" && this._drop(false));
  }

  /** @param {PointerEvent} event */
  _press(event) {
    const pressed = /** @type {HTMLElement} */ (event.target);
    if (!event.isPrimary || event.button !== 0 || pressed.closest(".moves")) return;
    this._drop(false);
    this._item = /** @type {HTMLElement[]} */ ([...this._list.children]).find((item) => item.contains(pressed)) ?? null;
    if (!this._item) return;
    this._beganX = this._x = event.clientX;
    this._scrolled = this._list.scrollLeft;
    const id = event.pointerId;
    if (event.pointerType === "touch") this._timer = window.setTimeout(() => this._lift(id), HELD_MS);
  }

  /** @param {PointerEvent} event */
  _carry(event) {
    if (!this._item) return;
    this._x = event.clientX;
    if (!this._lifted) {
      if (Math.abs(this._x - this._beganX) < STARTS_PX) return;
      if (event.pointerType === "touch") return void this._drop(false);
      this._lift(event.pointerId);
    }
    this._show();
  }

  /** @param {number} pointer */
  _lift(pointer) {
    if (!this._item) return;
    this._lifted = true;
    this._item.classList.add("lifted");
    this._list.setPointerCapture(pointer);
    requestAnimationFrame(() => this._scroll());
  }

  /** The list moves on while an item is held at its edge. */
  _scroll() {
    if (!this._lifted || !this._list.isConnected) return;
    const { left, right } = this._list.getBoundingClientRect();
    const towards = Number(this._x > right - EDGE_PX) - Number(this._x < left + EDGE_PX);
    const before = this._list.scrollLeft;
    this._list.scrollLeft += towards * SCROLL_PX;
    if (this._list.scrollLeft !== before) this._show();
    requestAnimationFrame(() => this._scroll());
  }

  /** The item is where the pointer is, and a line where it would go. */
  _show() {
    const item = /** @type {HTMLElement} */ (this._item), to = this._aim(), from = this._place();
    item.style.translate = `${this._x - this._beganX + this._list.scrollLeft - this._scrolled}px 0`;
    for (const [index, each] of [...this._list.children].entries()) {
      each.classList.toggle("before", index === to && to < from);
      each.classList.toggle("after", index === to && to > from);
    }
  }

  _place() {
    return [...this._list.children].indexOf(/** @type {HTMLElement} */ (this._item));
  }

  /** Where it would go: the place of the item nearest to the pointer. */
  _aim() {
    const at = this._x - this._list.getBoundingClientRect().left + this._list.scrollLeft;
    const children = /** @type {HTMLElement[]} */ ([...this._list.children]);
    const far = children.map((each) => Math.abs(each.offsetLeft + each.offsetWidth / 2 - at));
    return far.indexOf(Math.min(...far));
  }

  /** @param {boolean} wanted */
  _drop(wanted) {
    window.clearTimeout(this._timer);
    const item = this._item, lifted = this._lifted, from = this._place(), to = item && this._aim();
    this._item = null;
    this._lifted = false;
    if (!item || !lifted) return;
    item.classList.remove("lifted");
    item.style.translate = "";
    for (const each of this._list.children) each.classList.remove("before", "after");
    if (wanted && to !== null && to !== from) this._onmove(from, to);
  }
}
