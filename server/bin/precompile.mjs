// Part of the install: loads what a start loads, so that the first start finds it compiled.
await import("./compile-cache.mjs");
// The program, then what it loads later itself, while the database starts.
const parts = ["config", "program", "app", "messengers", "demo/demonstration-data", "supervisor", "worker"];
for (const part of [...parts, "platform/jobs/jobs", "platform/jobs/schema", "platform/prometheus"])
  await import(`../src/${part}.ts`);
