/** The walk: its key pictures in order, how it goes, a live preview, and files of it in every format. */

import { isAborted, report } from "./api.js";
import { EASINGS, MAX_KEYS, SEED_LIMIT, WAYS, readKeys } from "./address.js";
import { Controls } from "./controls.js";
import { curlPost } from "./curl.js";
import { Easel } from "./easel.js";
import { make, makeButton } from "./elements.js";
import { standOn } from "./ground.js";
import { KeyStrip } from "./keystrip.js";
import { nameLook } from "./look.js";
import { say } from "./notices.js";
import { openingOf } from "./openings.js";
import { wholeScale } from "./pixels.js";
import { Player } from "./player.js";
import { copy, nameFile, save } from "./saving.js";
import { go, linkTo, now } from "./state.js";
import { fetchReel, savedSide, walkFields } from "./walks.js";

/** @typedef {import("./address.js").State} State */
/** @typedef {import("./catalog.js").Version} Version */

const SETTLED_MS = 180;
const MOST_PREVIEW_PIXELS = 8_000_000;
const FORMATS = ["mp4", "gif", "webp", "apng", "png", "zip", "npy"];
/** As they are: a filmstrip and an array are for programs. */
const STILL = ["png", "npy"];

export class WalkView {
  constructor() {
    this._easel = new Easel();
    this._player = new Player({ label: "The walk", onframe: (part, frame) => {
      this._line.value = part;
      standOn(this._stage, frame);
    } });
    this._line = make("progress", { max: 1, value: 0, "aria-label": "How far the walk is" });
    this._strip = new KeyStrip(this._easel, (keys) => go({ keys }, { step: true }));
    this._add = make("input", { type: "text", id: "add-keys", inputMode: "numeric", placeholder: "such as 7, 21", autocomplete: "off", maxLength: 400 });
    this._controls = new Controls({ seed: false });
    this._pause = makeButton("Pause the walk", "Pause", () => this._play(!this._player.playing), { class: "plain" });
    this._frames = this._number("frames", 2, 600);
    this._fps = this._number("fps", 1, 60);
    this._way = this._choice("way", WAYS);
    this._easing = this._choice("easing", EASINGS);
    this._loop = make("input", { type: "checkbox", id: "loop", onchange: () => go({ loop: this._loop.checked }) });
    this._format = make("select", { id: "format", "aria-label": "Format" }, ...FORMATS.map((format) => make("option", { value: format }, format === "png" ? "png filmstrip" : format)));
    this._empty = make("p", { class: "empty", hidden: true }, "A walk needs two pictures or more: add their seeds, or pick them from the wall.");
    this._stage = make("section", { class: "stage preview", "aria-label": "Preview" }, this._player.element, this._empty, this._line);
    this.element = make("div", { class: "beside" },
      make("div", { class: "pictures" },
        make("h1", { class: "unseen" }, "A walk of your own"),
        this._stage,
        this._strip.element,
        make("form", { class: "row adding", onsubmit: (/** @type {Event} */ event) => (event.preventDefault(), this._addKeys()) },
          make("label", { htmlFor: "add-keys" }, "Add seeds"), this._add,
          make("button", { type: "submit" }, "Add"),
          makeButton("Add a picture by chance", "Add one by chance", () => this._addDrawn())),
        make("div", { class: "row options" },
          make("label", { htmlFor: "frames" }, "Frames"), this._frames, make("label", { htmlFor: "fps" }, "A second"), this._fps,
          make("label", { htmlFor: "way" }, "Way"), this._way, make("label", { htmlFor: "easing" }, "Pace"), this._easing,
          make("label", { class: "check" }, this._loop, " Return to the first")),
        make("div", { class: "acts" }, this._pause, this._format,
          makeButton("Download the walk", "Download", () => void this._save(), { class: "strong" }),
          makeButton("Copy the link to this walk", "Copy link", () => void copy(linkTo(now()), "The link")),
          makeButton("Copy the curl line of this walk", "Copy curl", () => void copy(this.curl(), "The curl line"), { id: "copy-curl" }))),
      this._controls.element);
    this._name = "";
    this._leaving = new AbortController();
    this._resized = () => this._resize();
    addEventListener("resize", this._resized);
    this._play(this._player.playing);
  }

  /** @param {State} state @param {Version} version */
  use(state, version) {
    this._version = version;
    if (!state.keys.length && !this._filled) {
      this._filled = true;
      queueMicrotask(() => go({ keys: openingOf(version.reference).keys.slice(0, 4) }));
    }
    this._filled = true;
    this._controls.use(state, version);
    this._easel.use(state, version);
    this._strip.use(state.keys);
    for (const [field, name] of /** @type {[any, "frames" | "fps" | "way" | "easing"][]} */ ([[this._frames, "frames"], [this._fps, "fps"]])) {
      if (document.activeElement !== field) field.value = String(state[name]);
    }
    this._way.value = state.way;
    this._easing.value = state.easing;
    this._loop.checked = state.loop;
    this._empty.hidden = state.keys.length !== 1;
    this._player.element.hidden = state.keys.length < 2;
    this._resize();
    this._preview(state, version);
  }

  /** The line that gets this walk as the file that is chosen. */
  curl() {
    const { body, name } = this._order();
    return curlPost("latent-walk", body, name);
  }

  close() {
    clearTimeout(this._timer);
    this._leaving.abort();
    removeEventListener("resize", this._resized);
    this._strip.close();
    this._player.close();
    this._easel.close();
  }

  /** @param {State} state @param {Version} version */
  _preview(state, version) {
    const name = [state.keys, state.frames, state.fps, state.way, state.easing, state.loop, nameLook(state, version)].join(" ");
    if (name === this._name || state.keys.length < 2) return;
    this._name = name;
    clearTimeout(this._timer);
    this._timer = setTimeout(async () => {
      this._leaving.abort();
      this._leaving = new AbortController();
      const fits = Math.floor(MOST_PREVIEW_PIXELS / (version.image.height * version.image.width));
      const frames = Math.max(state.keys.length, Math.min(state.frames, fits));
      const fps = Math.max(1, Math.round((state.fps * frames) / state.frames));
      try {
        this._player.show(await fetchReel({ ...state, seeds: state.keys, frames, fps }, state, version, this._leaving.signal));
        this._resize();
      } catch (error) {
        if (!isAborted(error)) report(error);
      }
    }, SETTLED_MS);
  }

  /** @param {boolean} playing */
  _play(playing) {
    this._player.play(playing);
    this._pause.textContent = playing ? "Pause" : "Play";
    this._pause.setAttribute("aria-label", playing ? "Pause the walk" : "Play the walk");
  }

  _resize() {
    const image = this._version?.image;
    const room = Math.min(this.element.firstElementChild?.clientWidth ?? 0, innerHeight * 0.5, 560);
    if (!image || room < 1) return;
    const side = Math.max(image.height, image.width);
    const scale = side <= room ? wholeScale(side, room) : room / side;
    Object.assign(this._player.element.style, { width: `${image.width * scale}px`, height: `${image.height * scale}px` });
  }

  _addKeys() {
    const seeds = readKeys(this._add.value);
    if (!seeds.length) return void say(`Write seeds as whole numbers from 0 to ${SEED_LIMIT - 1}, such as 7, 21.`);
    this._add.value = "";
    this._more(seeds);
  }

  _addDrawn() {
    this._more([crypto.getRandomValues(new Uint32Array(1))[0] % 1_000_000]);
  }

  /** @param {number[]} seeds */
  _more(seeds) {
    const keys = [...now().keys, ...seeds];
    if (keys.length > MAX_KEYS) say(`A walk has at most ${MAX_KEYS} key pictures here.`);
    go({ keys: keys.slice(0, MAX_KEYS) }, { step: true });
  }

  _order() {
    const [state, version] = [now(), /** @type {Version} */ (this._version)];
    const format = this._format.value;
    const side = Math.max(version.image.height, version.image.width);
    const scale = STILL.includes(format) ? 1 : wholeScale(side, savedSide(format));
    const body = { ...walkFields({ ...state, seeds: state.keys }, state, version), format, ...(scale > 1 ? { scale } : {}) };
    return { body, name: nameFile(version.reference, "walk", format === "apng" ? "png" : format) };
  }

  async _save() {
    const { body, name } = this._order();
    await save("latent-walk", body, name);
  }

  /** @param {"frames" | "fps"} name @param {number} min @param {number} max */
  _number(name, min, max) {
    const field = make("input", { type: "number", id: name, min, max, step: 1, inputMode: "numeric", class: "short" });
    field.addEventListener("change", () => {
      const value = Math.round(field.valueAsNumber);
      if (value >= min && value <= max) go({ [name]: value });
      else field.value = String(now()[name]);
    });
    return field;
  }

  /** @param {"way" | "easing"} name @param {string[]} values */
  _choice(name, values) {
    const options = values.map((value) => make("option", { value }, value));
    const select = make("select", { id: name, onchange: () => go({ [name]: select.value }) }, ...options);
    return select;
  }
}
