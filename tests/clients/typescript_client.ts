// Calls a server by the types that openapi-typescript wrote; tests/clients/test_generated_clients.py runs it.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

const baseUrl = process.argv[2]!;
const client = createClient<paths>({ baseUrl });
const plain: components["schemas"]["WalkRequest"] = { seeds: [1, 5], frames: 4 };

const pictures = await client.POST("/generate", {
  body: { seeds: [1, 2], columns: 2 },
  parseAs: "arrayBuffer",
});
const models = await client.GET("/models");
const names = models.data?.models.map((model) => model.name);
const refused = await client.POST("/generate", { body: { count: -1 } });
const problem: components["schemas"]["Problem"] | undefined = refused.error;
const walk = await fetch(`${baseUrl}/latent-walk`, { method: "POST", body: JSON.stringify(plain) });

console.log(JSON.stringify({
  picture: Buffer.from(pictures.data as ArrayBuffer).toString("base64"),
  seeds: pictures.response.headers.get("x-seed"),
  names,
  code: problem?.code,
  field: problem?.field,
  walk: Buffer.from(await walk.arrayBuffer()).toString("base64"),
}));
