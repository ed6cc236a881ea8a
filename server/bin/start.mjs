#!/usr/bin/env node
import "./require-node.mjs";

// Loaded only then, since an old runtime cannot even read it.
await import("./compile-cache.mjs");
await import("../src/main.ts");
