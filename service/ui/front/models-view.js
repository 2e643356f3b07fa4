/** What is in the store: models, their versions and aliases, how they look and how they were measured. */

import { ask, isAborted } from "./api.js";
import { addressOf, catalog, describe } from "./catalog.js";
import { make } from "./elements.js";
import { writeAddress, plainState } from "./address.js";
import { layTraining } from "./training-view.js";

/** @typedef {import("./catalog.js").Model} Model */

const DIGITS = 4;

export class ModelsView {
  constructor() {
    this._list = make("div", { class: "models" });
    this.element = make("div", { class: "text" }, make("h1", {}, "Models"), this._list);
    this._leaving = new AbortController();
    /** @type {string[]} */
    this._blobs = [];
  }

  use() {
    if (this._laid) return;
    this._laid = true;
    const { models } = catalog();
    if (!models.length) this._list.append(make("p", { class: "empty" }, "The store has no model yet."));
    for (const model of models) this._list.append(this._layModel(model));
  }

  close() {
    this._leaving.abort();
    for (const blob of this._blobs) URL.revokeObjectURL(blob);
  }

  /** @param {Model} model */
  _layModel(model) {
    const aliases = Object.entries(model.aliases).map(([alias, { version }]) => `${alias} is ${version}`);
    return make("section", { class: "model" }, make("h2", {}, model.name),
      make("p", { class: "told" }, aliases.join(", ") || "No alias points to a version."),
      model.error ? make("p", { class: "reason" }, model.error) : null,
      ...[...model.versions].reverse().map((version, index) => this._layVersion(model, version, index === 0)));
  }

  /** @param {Model} model @param {string} version @param {boolean} open */
  _layVersion(model, version, open) {
    const reference = `${model.name}@${version}`;
    const inside = make("div", { class: "inside" });
    const names = Object.entries(model.aliases).filter(([, entry]) => entry.version === version).map(([alias]) => alias);
    const details = make("details", { open }, make("summary", {}, version, names.length ? make("span", { class: "alias" }, names.join(", ")) : null), inside);
    const fill = () => {
      if (!details.open || inside.childElementCount) return;
      inside.append(make("p", {}, make("a", { class: "strong", href: writeAddress({ ...plainState(), model: reference }) }, `See pictures of ${reference}`)));
      void this._fill(reference, inside);
    };
    details.addEventListener("toggle", fill);
    fill();
    return details;
  }

  /** @param {string} reference @param {HTMLElement} inside */
  async _fill(reference, inside) {
    try {
      const version = await describe(reference);
      const { manifest, image, classes } = version;
      if (manifest.files.some((/** @type {{path: string}} */ file) => file.path === "samples.png")) await this._showSamples(reference, inside);
      /** @type {[string, unknown][]} */
      const facts = [
        ["Published", String(manifest.created_at).replace("T", ", ").replace(/:\d\d(\.\d+)?Z$/, " UTC")], ["Licence", manifest.licence],
        ["Pictures", `${image.width} × ${image.height}, ${image.channels === 1 ? "grey" : image.channels % 2 ? "colour" : "with transparency"}`],
        ["Latents", `${manifest.latent.size}, ${manifest.latent.distribution}`], ["Classes", classes.join(", ") || "none"],
        ["Arithmetic", manifest.arithmetic], ["Trained", manifest.training?.epochs ? `${manifest.training.epochs} epochs on ${manifest.training.configuration?.data ?? "pictures"}` : null],
        ...Object.entries(manifest.metrics ?? {}).map(([name, value]) => /** @type {[string, unknown]} */ ([name.replaceAll("_", " "), typeof value === "number" ? Number(value.toPrecision(DIGITS)) : value])),
      ];
      inside.append(make("dl", {}, ...facts.filter(([, value]) => value !== null && value !== undefined)
        .map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, String(value))))));
      inside.append(...[layTraining(version)].filter((laid) => laid !== null));
    } catch (error) {
      if (!isAborted(error)) inside.append(make("p", { class: "reason" }, error instanceof Error ? error.message : String(error)));
    }
  }

  /** @param {string} reference @param {HTMLElement} inside */
  async _showSamples(reference, inside) {
    try {
      const samples = await ask(`${addressOf(reference)}/samples.png`, { signal: this._leaving.signal });
      const src = URL.createObjectURL(await samples.blob());
      this._blobs.push(src);
      inside.append(make("img", { class: "pixels samples", src, alt: `Samples of ${reference}` }));
    } catch (error) {
      if (!isAborted(error)) inside.append(make("p", { class: "reason" }, `The samples are not shown: ${error instanceof Error ? error.message : error}`));
    }
  }
}
