import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { DataFolderUnusable } from "./database/data-folder.ts";
import { systemRandom } from "./random.ts";
import { readOrMakeRootKey } from "./root-key.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fusion-key-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const modeOf = (name: string): string => (statSync(join(folder, name)).mode & 0o777).toString(8);

it("makes the key once, for our account alone", () => {
  const key = readOrMakeRootKey(folder, systemRandom);
  expect(key).toHaveLength(32);
  expect(readOrMakeRootKey(folder, systemRandom)).toEqual(key);
  expect([modeOf("keys"), modeOf("keys/root.key")]).toEqual(["700", "600"]);
});

it("takes others' right to read a key that was copied back carelessly", () => {
  const key = readOrMakeRootKey(folder, systemRandom);
  chmodSync(join(folder, "keys"), 0o755);
  chmodSync(join(folder, "keys/root.key"), 0o644);
  expect(readOrMakeRootKey(folder, systemRandom)).toEqual(key);
  expect(modeOf("keys/root.key")).toBe("600");
});

it("does not replace a key that cannot be read as one", () => {
  readOrMakeRootKey(folder, systemRandom);
  writeFileSync(join(folder, "keys/root.key"), "short");
  expect(() => readOrMakeRootKey(folder, systemRandom)).toThrow(DataFolderUnusable);
});

it("makes none beside a database, to which it would not belong", () => {
  mkdirSync(join(folder, "postgres"));
  writeFileSync(join(folder, "postgres/PG_VERSION"), "18");
  expect(() => readOrMakeRootKey(folder, systemRandom)).toThrow(/root\.key is missing.*Restore it/);
  expect(existsSync(join(folder, "keys"))).toBe(false);
});
