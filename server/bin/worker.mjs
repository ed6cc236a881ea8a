// A worker of the supervisor's (src/supervisor.ts), which starts it with the runtime that it was started with itself.
await import("./compile-cache.mjs");
await import("../src/worker-main.ts");
