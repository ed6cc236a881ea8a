#!/usr/bin/env node
// Plain JavaScript without any import of our own, so that an old runtime reaches the sentence below instead of a syntax error.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 24) {
  process.stderr.write(
    `Fusion needs Node 24 or newer and this is Node ${major}.${minor}: run \`npm ci\`, which brings it, and start with \`npm start\`.\n`,
  );
  process.exit(1);
}
// Keeps what the compiler made of the source for the next start. Where the folder cannot be written, all is as without.
const { enableCompileCache } = await import("node:module");
enableCompileCache(`${import.meta.dirname}/../../node_modules/.cache/node-compile`);
await import("../src/main.ts");
