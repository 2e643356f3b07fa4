/** One picture, large: its seed and class, and what can be done with it. */

import { askPatiently, isAborted, report } from "./api.js";
import { SEED_LIMIT } from "./address.js";
import { curlPost } from "./curl.js";
import { make, makeButton } from "./elements.js";
import { addressOfPicture, isFavourite, toggleFavourite } from "./favourites.js";
import { standOn } from "./ground.js";
import { fieldsOf } from "./look.js";
import { wholeScale } from "./pixels.js";
import { copy, nameFile, save } from "./saving.js";
import { go, linkTo, now } from "./state.js";
import { Player } from "./player.js";
import { fetchReel, savedSide, walkFields } from "./walks.js";

/** @typedef {import("./catalog.js").Version} Version */

const WALK_FRAMES = 90;
const DOWNLOAD_SCALE = 8;

export class Lightbox {
  /** @param {import("./easel.js").Easel} easel @param {{onclose: (seed: number) => void}} options */
  constructor(easel, { onclose }) {
    this._easel = easel;
    this._onclose = onclose;
    this._seed = -1;
    /** @type {AbortController | null} */
    this._leaving = null;
    this._player = new Player({ label: "The picture, large", onframe: (_, frame) => standOn(this.dialog, frame) });
    this._target = this._aim(-1);
    this._heading = make("h2", { id: "picture-title" });
    this._class = make("p", { class: "told" });
    this._heart = makeButton("Keep as a favourite", "☆ Favourite", () => this._keep(), { "aria-pressed": "false" });
    this._walk = makeButton("Let it walk", "▶ Walk from here", () => void this._play());
    this.dialog = make(
      "dialog",
      { class: "lightbox", "aria-labelledby": "picture-title", onclose: () => this._closed() },
      makeButton("Close", "×", () => this.dialog.close(), { class: "plain close" }),
      make("div", { class: "large" },
        makeButton("The picture before", "‹", () => this._step(-1), { class: "plain turn" }),
        this._player.element,
        makeButton("The next picture", "›", () => this._step(1), { class: "plain turn" })),
      make("div", { class: "facts" }, this._heading, this._class,
        make("div", { class: "acts" }, this._heart, this._walk, makeButton("Add to the walk", "+ Add to walk", () => this._add())),
        make("p", { class: "name" }, "Download"),
        make("div", { class: "acts" },
          makeButton("Download the picture as PNG", "PNG", () => void this._save(1)),
          makeButton("Download the picture as PNG, eight times as large", "PNG ×8", () => void this._save(DOWNLOAD_SCALE)),
          makeButton("Download a walk from it as MP4", "Walk MP4", () => void this._saveWalk("mp4")),
          makeButton("Download a walk from it as GIF", "Walk GIF", () => void this._saveWalk("gif"))),
        make("p", { class: "name" }, "Pass on"),
        make("div", { class: "acts" },
          makeButton("Copy the link", "Copy link", () => void copy(linkTo(now()), "The link"), { id: "copy-link" }),
          makeButton("Copy the curl line", "Copy curl", () => void copy(this.curl(), "The curl line"), { id: "copy-curl" }))),
    );
    this.dialog.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this._key(event));
    this.dialog.addEventListener("click", (/** @type {Event} */ event) => event.target === this.dialog && this.dialog.close());
  }

  /** Show a picture, or none. @param {number | null} seed @param {Version} version */
  use(seed, version) {
    this._version = version;
    if (seed === null) {
      if (this.dialog.open) this.dialog.close();
      return;
    }
    const opening = !this.dialog.open;
    if (opening) {
      this.dialog.isConnected || document.body.append(this.dialog);
      this.dialog.showModal();
    }
    const word = now().label ? (now().blend ? `${now().label} and ${now().blend}` : now().label) : "";
    if (seed !== this._seed || opening) {
      this._stop();
      this._easel.remove(this._target);
      this._seed = seed;
      this._target = this._aim(seed);
      this._easel.add(this._target);
    } else if (this._leaving) this._stop();
    this._heading.textContent = `Seed ${seed}`;
    this._player.canvas.setAttribute("aria-label", `The picture of seed ${seed}, large`);
    this._class.textContent = [version.reference, word].filter(Boolean).join(" · ");
    if (version.classes.length && !word) void this._tellClass(seed, version);
    this._showHeart();
    this._resize();
  }

  /** The line that gets the picture shown. */
  curl() {
    return curlPost("generate", this._fields(1), nameFile(this._reference, String(this._seed), "png"));
  }

  /** @param {number} seed @returns {import("./easel.js").Target} */
  _aim(seed) {
    return { seed, canvas: this._player.canvas, first: true, onpaint: (picture) => standOn(this.dialog, picture) };
  }

  get _reference() {
    return this._version?.reference ?? "";
  }

  /** @param {number} scale */
  _fields(scale) {
    const fields = fieldsOf(now(), /** @type {Version} */ (this._version));
    return { ...fields, seeds: [this._seed], ...(scale > 1 ? { scale } : {}) };
  }

  /** The class that a seed stands for is the model's to say. @param {number} seed @param {Version} version */
  async _tellClass(seed, version) {
    try {
      const body = { ...fieldsOf(now(), version), seeds: [seed], format: "json" };
      const told = await (await askPatiently("generate", { body })).json();
      const label = told.images?.[0]?.label;
      if (this._seed === seed && label) this._class.textContent = `${version.reference} · ${label}`;
    } catch (error) {
      report(error);
    }
  }

  _resize() {
    const image = /** @type {Version} */ (this._version).image;
    const room = Math.min(innerWidth - (innerWidth < 640 ? 24 : 480), innerHeight * (innerWidth < 640 ? 0.5 : 0.86), 1024);
    const side = Math.max(image.height, image.width);
    const scale = side <= room ? wholeScale(side, room) : room / side;
    Object.assign(this._player.element.style, { width: `${image.width * scale}px`, height: `${image.height * scale}px` });
  }

  /** @param {number} step */
  _step(step) {
    go({ picture: (this._seed + step + SEED_LIMIT) % SEED_LIMIT });
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this._step(step);
  }

  _keep() {
    toggleFavourite(addressOfPicture(now(), this._seed));
    this._showHeart();
  }

  _showHeart() {
    const kept = isFavourite(addressOfPicture(now(), this._seed));
    this._heart.textContent = kept ? "★ Favourite" : "☆ Favourite";
    this._heart.setAttribute("aria-pressed", String(kept));
  }

  _way() {
    return { seeds: [this._seed, (this._seed + 1) % SEED_LIMIT], frames: WALK_FRAMES, loop: true, easing: "smooth" };
  }

  async _play() {
    if (this._leaving) return this._still();
    this._leaving = new AbortController();
    const { signal } = this._leaving;
    this._walk.textContent = "■ Stand still";
    try {
      const reel = await fetchReel(this._way(), now(), /** @type {Version} */ (this._version), signal);
      if (signal.aborted) return;
      this._easel.remove(this._target);
      this._player.playing = true;
      this._player.show(reel);
    } catch (error) {
      this._stop();
      if (!isAborted(error)) report(error);
    }
  }

  _still() {
    this._stop();
    this._target = this._aim(this._seed);
    this._easel.add(this._target);
  }

  _stop() {
    this._leaving?.abort();
    this._leaving = null;
    this._player.close();
    this._player.canvas.hidden = false;
    this._walk.textContent = "▶ Walk from here";
  }

  _add() {
    const keys = [...now().keys, this._seed];
    this.dialog.close();
    go({ view: "walk", keys, picture: null }, { step: true });
  }

  /** @param {number} scale */
  async _save(scale) {
    const what = scale > 1 ? `${this._seed}-x${scale}` : String(this._seed);
    await save("generate", this._fields(scale), nameFile(this._reference, what, "png"));
  }

  /** @param {string} format */
  async _saveWalk(format) {
    const version = /** @type {Version} */ (this._version);
    const scale = wholeScale(Math.max(version.image.height, version.image.width), savedSide(format));
    const body = { ...walkFields(this._way(), now(), version), scale, format };
    await save("latent-walk", body, nameFile(this._reference, `walk-${this._seed}`, format));
  }

  _closed() {
    this._stop();
    this._easel.remove(this._target);
    const seed = this._seed;
    this._seed = -1;
    if (now().picture !== null) go({ picture: null });
    this._onclose(seed);
  }
}
