/** The pictures that the visitor kept, each drawn as it was. */

import { report } from "./api.js";
import { describe, resolve } from "./catalog.js";
import { make, makeButton } from "./elements.js";
import { listFavourites, readFavourite, toggleFavourite } from "./favourites.js";
import { fetchPictures } from "./pictures.js";
import { nameLook } from "./look.js";
import { paint } from "./pixels.js";

export class FavouritesView {
  constructor() {
    this._list = make("ul", { class: "kept" });
    this._empty = make("p", { class: "empty" }, "Nothing is kept yet. Open a picture and press ☆ to keep it here, in this browser.");
    this.element = make("div", { class: "text" }, make("h1", {}, "Favourites"), this._empty, this._list);
    this._leaving = new AbortController();
  }

  use() {
    if (this._laid) return;
    this._laid = true;
    void this._show();
  }

  close() {
    this._leaving.abort();
  }

  async _show() {
    const addresses = listFavourites();
    this._empty.hidden = addresses.length > 0;
    /** @type {Map<string, {state: any, version: any, items: {seed: number, canvas: HTMLCanvasElement}[]}>} */
    const groups = new Map(); // pictures of one look come by one request
    for (const address of addresses) {
      const state = readFavourite(address);
      const reference = resolve(state.model);
      if (state.picture === null || !reference) continue;
      const canvas = make("canvas", { class: "pixels", width: 1, height: 1 });
      const item = make("li", {},
        make("a", { href: address, "aria-label": `Seed ${state.picture} of ${reference}` }, canvas),
        make("p", {}, `${reference} · ${state.picture}`),
        makeButton(`Let go of seed ${state.picture}`, "×", () => (toggleFavourite(address), item.remove()), { class: "plain" }));
      this._list.append(item);
      try {
        const version = await describe(reference);
        canvas.classList.toggle("see-through", version.image.channels % 2 === 0);
        const name = nameLook(state, version);
        const group = groups.get(name) ?? { state, version, items: [] };
        group.items.push({ seed: state.picture, canvas });
        groups.set(name, group);
      } catch (error) {
        report(error);
      }
    }
    for (const { state, version, items } of groups.values()) {
      try {
        const { signal } = this._leaving;
        const pictures = await fetchPictures(items.map(({ seed }) => seed), state, version, { signal });
        items.forEach(({ canvas }, index) => paint(canvas, pictures[index]));
      } catch (error) {
        report(error);
      }
    }
  }
}
