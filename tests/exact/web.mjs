// One graph in WebAssembly: `node web.mjs GRAPH.onnx FEEDS.json` prints the sha256 of the pictures.
// FEEDS is a list of batches, each {name: {dims, data}}; the folder of node_modules is WEB.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.WEB}/`);
const ort = require("onnxruntime-web");
ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(readFileSync(process.argv[2]), { executionProviders: ["wasm"] });
const hash = createHash("sha256");
for (const batch of JSON.parse(readFileSync(process.argv[3]))) {
  const feeds = {};
  for (const [name, { dims, data }] of Object.entries(batch)) {
    feeds[name] = new ort.Tensor("float32", Float32Array.from(data), dims);
  }
  hash.update((await session.run(feeds)).image.data);
}
console.log(hash.digest("hex"));
