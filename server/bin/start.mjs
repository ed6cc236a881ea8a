#!/usr/bin/env node
// Plain JavaScript without any import of our own, so that an old runtime reaches the sentence below instead of a syntax error.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 24) {
  process.stderr.write(
    `Fusion needs Node 24 or newer and this is Node ${major}.${minor}: run \`npm ci\`, which brings it, and start with \`npm start\`.\n`,
  );
  process.exit(1);
}
await import("./compile-cache.mjs");
await import("../src/main.ts");
