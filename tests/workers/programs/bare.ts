// Hides the globals of `nodejs_compat` before the library looks for them: only the rows need it, for their compressor.

for (const name of ["Buffer", "process", "setImmediate"]) Object.defineProperty(globalThis, name, { value: undefined });
