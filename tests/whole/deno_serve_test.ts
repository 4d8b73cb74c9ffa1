// The recipe for Deno.serve.

import { serve } from "../../docs/examples/deno_serve.ts";
import { REFUSED, testRecipe } from "../kit/recipes.ts";

testRecipe({
  name: "docs/examples/deno_serve.ts",
  start() {
    const server = serve(0);
    return Promise.resolve({ port: server.addr.port, stop: () => server.shutdown() });
  },
  page: "The echo is here",
  path: "/",
  options: { protocols: ["other", "echo"] },
  refused: REFUSED,
});
