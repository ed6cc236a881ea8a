import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/**
 * Runs Biome's own binary with the arguments given. The platform's package is named directly because the wrapper package lists platforms
 * whose packages cannot always be found, and then leaves `npm ci` without a complete lock file.
 */
export function runBiome(commandLine: readonly string[]): number {
  const manifest = createRequire(import.meta.url).resolve(`@biomejs/cli-linux-${process.arch}/package.json`);
  const result = spawnSync(join(dirname(manifest), "biome"), commandLine, { stdio: "inherit" });
  return result.status ?? 1;
}

if (import.meta.main) process.exitCode = runBiome(process.argv.slice(2));
