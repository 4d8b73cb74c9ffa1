// The recipe for Bun.serve.

import { serve } from "../../docs/examples/bun_serve.ts";
import { REFUSED, testRecipe } from "../kit/recipes.ts";

testRecipe({
  name: "docs/examples/bun_serve.ts",
  start() {
    const server = serve(0);
    return Promise.resolve({ port: server.port, stop: () => server.stop(true) });
  },
  page: "The echo is here",
  path: "/",
  options: { protocols: ["other", "echo"] },
  refused: REFUSED,
});
