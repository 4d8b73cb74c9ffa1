// Stands in for serve.ts where a runtime has no sockets to listen with: Workers and browsers. It must import nothing of what
// serves, so that their bundles have none of it.

import { listenFor } from "../runtime/no_sockets.ts";
import type { serve as Serve } from "./serve.ts";

/** @throws {TypeError} Rejects: there is nothing to listen with. */
export const serve: typeof Serve = async () => await listenFor() as never; // it rejects
