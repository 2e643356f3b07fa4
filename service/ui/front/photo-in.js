/** Photo in, walk out: a visitor's picture beside what the model draws where it finds it, and the ways from there. */

import { isAborted, report } from "./api.js";
import { make, makeButton } from "./elements.js";
import { nameLook } from "./look.js";
import { say } from "./notices.js";
import { paint, wholeScale } from "./pixels.js";
import { Player } from "./player.js";
import { drawSpots, findSpot, spotFields, stray } from "./projection.js";
import { copy, nameFile, save } from "./saving.js";
import { go, linkTo, now } from "./state.js";
import { fetchReel } from "./walks.js";

/** @typedef {import("./address.js").State} State */
/** @typedef {import("./catalog.js").Version} Version */

const AROUND = 8;
const REACH = 0.45;
const WALK_KEYS = 4;
const WALK_FRAMES = 96;
/** Pixels of a side; two of them stand beside each other on a phone. */
const SHOWN_SIDE = { wide: 256, narrow: 152 };
const DOWNLOAD_SCALE = 8;

export class PhotoIn {
  constructor() {
    this._player = new Player({ label: "What is drawn of your picture" });
    this._photo = make("img", { alt: "Your picture", hidden: true });
    this._file = make("input", { type: "file", accept: "image/*", id: "photo-file", class: "unseen", onchange: () => this._take(this._file.files) });
    this._camera = make("input", { type: "file", accept: "image/*", capture: "environment", id: "photo-camera", class: "unseen camera", onchange: () => this._take(this._camera.files) });
    this._told = make("p", { class: "told", role: "status" });
    this._around = make("div", { class: "around", role: "group", "aria-label": "Variations" });
    this._walk = makeButton("Walk from it", "▶ Walk from it", () => void this._play());
    this._found = make("div", { class: "found", hidden: true },
      make("figure", { class: "yours" }, this._photo, make("figcaption", { class: "told" }, "yours")),
      make("figure", {}, this._player.element, make("figcaption", { class: "told" }, "the model's")),
      make("div", { class: "ways" }, this._told, this._around,
        make("div", { class: "acts" }, this._walk,
          makeButton("Other variations", "Others", () => this._stray()),
          makeButton("Download what is drawn", "PNG ×8", () => void this._save()),
          makeButton("Copy the link to what is drawn", "Copy link", () => void copy(linkTo(now()), "The link"), { id: "copy-spot" }),
          makeButton("Copy the latent", "Copy latent", () => void copy(JSON.stringify(now().latent), "The latent")),
          makeButton("Put it away", "×", () => this._leave(), { class: "plain" }))));
    this.element = make("section", { id: "photo-in", hidden: true, "aria-label": "A picture of yours" },
      make("div", { class: "row invite" },
        make("label", { class: "choose", htmlFor: "photo-file" }, "Choose a picture of yours"), this._file,
        make("label", { class: "choose camera", htmlFor: "photo-camera" }, "Take a photo"), this._camera,
        make("p", { class: "told" }, "or drop or paste one: see where it is among the model’s own, and walk from there.")),
      this._found);
    this._leaving = new AbortController();
    this._drawing = new AbortController();
    this._name = "";
    /** @type {number[][]} */
    this._near = [];
    this._listeners = new AbortController();
    const options = { signal: this._listeners.signal };
    document.addEventListener("paste", (event) => this._take(event.clipboardData?.files ?? null), options);
    document.addEventListener("dragover", (event) => this._over(event, true), options);
    document.addEventListener("dragleave", (event) => this._over(event, false), options);
    document.addEventListener("drop", (event) => this._drop(event), options);
  }

  /** @param {State} state @param {Version} version */
  use(state, version) {
    this._version = version;
    this.element.hidden = !version.manifest.projection;
    const known = !this.element.hidden && state.latent.length === version.manifest.latent.size;
    this._found.hidden = !known;
    const name = known ? `${state.latent} ${state.weights} ${nameLook({ ...state, label: "", truncation: 1 }, version)}` : "";
    if (name === this._name) return;
    this._name = name;
    this._drawing.abort();
    if (!known) return;
    if (String(this._centre) !== String(state.latent)) {
      this._centre = state.latent;
      this._near = stray(state.latent, AROUND, REACH);
    }
    void this._draw(state, version);
  }

  close() {
    this._listeners.abort();
    this._leaving.abort();
    this._drawing.abort();
    this._player.close();
    this._forget();
  }

  /** @param {State} state @param {Version} version */
  async _draw(state, version) {
    this._drawing = new AbortController();
    const { signal } = this._drawing;
    this._still();
    try {
      const [drawn, ...near] = await drawSpots([state.latent, ...this._near], this._weights(state), state, version, signal);
      if (signal.aborted) return;
      const room = innerWidth < 640 ? SHOWN_SIDE.narrow : SHOWN_SIDE.wide;
      const side = Math.max(drawn.width, drawn.height);
      const scale = side <= room ? wholeScale(side, room) : room / side;
      Object.assign(this._player.element.style, { width: `${drawn.width * scale}px`, height: `${drawn.height * scale}px` });
      Object.assign(this._photo.style, { width: `${drawn.width * scale}px`, height: `${drawn.height * scale}px` });
      this._player.canvas.hidden = false;
      paint(this._player.canvas, drawn);
      this._player.canvas.classList.add("drawn");
      this._around.replaceChildren(...near.map((picture, index) => this._lay(picture, index)));
    } catch (error) {
      if (!isAborted(error)) report(error);
    }
  }

  /** @param {import("./pixels.js").Picture} picture @param {number} index */
  _lay(picture, index) {
    const canvas = make("canvas", { class: "pixels", width: 1, height: 1 });
    paint(canvas, picture);
    const latent = this._near[index];
    return make("button", { type: "button", "aria-label": `Variation ${index + 1}`, onclick: () => go({ latent }, { step: true }) }, canvas);
  }

  /** A weight for each class of this version, or none. @param {State} state */
  _weights(state) {
    const classes = this._version?.classes.length ?? 0;
    return state.weights.length === classes ? state.weights : Array.from({ length: classes }, () => 1);
  }

  /** @param {FileList | null} files */
  _take(files) {
    const photo = [...(files ?? [])].find((file) => file.type.startsWith("image/") || !file.type);
    if (files?.length && !photo) say("This is no picture: take a PNG, JPEG, WebP or GIF.", { id: "looking" });
    this._file.value = this._camera.value = "";
    if (photo && !this.element.hidden) void this._find(photo);
  }

  /** @param {File} photo */
  async _find(photo) {
    const version = /** @type {Version} */ (this._version);
    this._leaving.abort();
    this._leaving = new AbortController();
    const unsay = say("Looking for it among the model’s own…", { id: "looking", forS: 0 });
    try {
      const { latent, weights, distance } = await findSpot(photo, version, this._leaving.signal);
      if (version !== this._version) return;
      this._forget();
      this._photo.src = URL.createObjectURL(photo);
      this._photo.hidden = false;
      this._told.textContent = `Apart by ${distance.toFixed(3)} (0 is the same). Around it:`;
      go({ latent, weights }, { step: true });
      this.element.scrollIntoView({ block: "nearest" });
    } catch (error) {
      report(error);
    } finally {
      unsay();
    }
  }

  async _play() {
    if (this._walking) return void this._draw(now(), /** @type {Version} */ (this._version));
    this._walking = true;
    this._walk.textContent = "■ Stand still";
    const [state, version] = [now(), /** @type {Version} */ (this._version)];
    const { signal } = this._drawing;
    const latents = [state.latent, ...this._near.slice(0, WALK_KEYS - 1)];
    const spots = spotFields(latents, this._weights(state), state, version);
    try {
      const reel = await fetchReel({ seeds: [], spots, frames: WALK_FRAMES, loop: true, easing: "smooth" }, state, version, signal);
      if (signal.aborted || !this._walking) return;
      this._player.playing = true;
      this._player.show(reel);
    } catch (error) {
      this._still();
      if (!isAborted(error)) report(error);
    }
  }

  _still() {
    this._walking = false;
    this._walk.textContent = "▶ Walk from it";
    this._player.close();
  }

  _stray() {
    this._near = stray(now().latent, AROUND, REACH);
    this._drawing.abort();
    void this._draw(now(), /** @type {Version} */ (this._version));
  }

  async _save() {
    const [state, version] = [now(), /** @type {Version} */ (this._version)];
    const fields = spotFields([state.latent], this._weights(state), state, version);
    await save("generate", { ...fields, scale: DOWNLOAD_SCALE }, nameFile(version.reference, "found", "png"));
  }

  _leave() {
    this._forget();
    go({ latent: [], weights: [] }, { step: true });
  }

  _forget() {
    if (this._photo.src) URL.revokeObjectURL(this._photo.src);
    this._photo.removeAttribute("src");
    this._photo.hidden = true;
    this._told.textContent = "Around it:";
  }

  /** @param {DragEvent} event @param {boolean} over */
  _over(event, over) {
    if (this.element.hidden || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.element.classList.toggle("over", over);
  }

  /** @param {DragEvent} event */
  _drop(event) {
    if (this.element.hidden || !event.dataTransfer?.files.length) return;
    event.preventDefault();
    this.element.classList.remove("over");
    this._take(event.dataTransfer.files);
  }
}
