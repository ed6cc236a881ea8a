import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { runningServerUrl } from "./embedded-postgres.ts";
import { initialiseCluster } from "./postgres-cluster.ts";
import { findPostgresFiles, nativeFolder } from "./postgres-files.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "fusion-embedded-"));
  chmodSync(folder, 0o700);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("runs from below a folder that only its owner may enter, root's home among them", async () => {
  const native = join(folder, "native");
  cpSync(nativeFolder(), native, { recursive: true, verbatimSymlinks: true });
  const cluster = join(folder, "postgres");
  await initialiseCluster(findPostgresFiles(join(folder, "lib"), cluster, native), cluster);
  expect(existsSync(join(cluster, "PG_VERSION"))).toBe(true);
}, 60_000);

describe("the folder of the socket of a deep data folder, in the system's temporary folder", () => {
  const deep = join("/", "a".repeat(120));
  const isRoot = process.getuid?.() === 0;
  let outside: string;
  beforeAll(() => {
    vi.stubEnv("TMPDIR", folder);
    const found = new URL(runningServerUrl(deep)()).searchParams.get("host");
    outside = found ?? "";
  });
  afterAll(() => {
    vi.unstubAllEnvs();
  });

  it("is ours alone, and found again", () => {
    expect(outside).toMatch(new RegExp(`^${folder}/fusion-`));
    expect(new URL(runningServerUrl(deep)()).searchParams.get("host")).toBe(outside);
  });

  it("is refused where another account made it, or may write to it", () => {
    // Only root can give it away; otherwise it is made open to all.
    if (isRoot) chownSync(outside, 54_321, 54_321);
    else chmodSync(outside, 0o777);
    expect(() => runningServerUrl(deep)).toThrow(`${outside} is not ours`);
    rmSync(outside, { recursive: true });
    mkdirSync(outside);
    chmodSync(outside, 0o770);
    expect(() => runningServerUrl(deep)).toThrow(`${outside} is not ours`);
  });

  it("is one sentence where it cannot be made", () => {
    vi.stubEnv("TMPDIR", join(folder, "missing"));
    expect(() => runningServerUrl(deep)).toThrow("cannot be made. Set TMPDIR");
  });
});
