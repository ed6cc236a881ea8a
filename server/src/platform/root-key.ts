import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { DataFolderUnusable } from "./database/data-folder.ts";
import type { Random } from "./random.ts";

/**
 * Development's root key: 32 bytes, base64, in a file that only our account may read, made at the first start. It is written completely
 * under another name and then linked into place, so that a kill leaves either no key or a whole one. No key is made beside an existing
 * database, where it would only stand in the way of restoring the right one; so code that makes a database must ask for the key first.
 * Throws {@link DataFolderUnusable}.
 */
export function readOrMakeRootKey(dataFolder: string, random: Random): Buffer {
  const folder = join(dataFolder, "keys");
  const path = join(folder, "root.key");
  const found = readKey(path);
  if (found) return found;
  if (existsSync(join(dataFolder, "postgres", "PG_VERSION")))
    throw new DataFolderUnusable(
      `The key file ${path} is missing, and the database in ${dataFolder} is useless with another key. Restore it from a copy.`,
    );
  const draft = join(folder, `root.key.draft-${process.pid}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    rmSync(draft, { force: true });
    const file = openSync(draft, "wx", 0o600);
    writeSync(file, `${random.bytes(32).toString("base64")}\n`);
    fsyncSync(file);
    closeSync(file);
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST")
      throw new DataFolderUnusable(
        `The key file ${path} cannot be written (${(error as NodeJS.ErrnoException).code}).`,
      );
  } finally {
    rmSync(draft, { force: true });
  }
  const key = readKey(path);
  if (!key) throw new DataFolderUnusable(`The key file ${path} vanished.`);
  return key;
}

function readKey(path: string): Buffer | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
    // A restored copy may have lost its mode.
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new DataFolderUnusable(`The key file ${path} cannot be read and kept to this account (${code}).`);
  }
  const key = Buffer.from(text, "base64");
  if (key.length !== 32)
    throw new DataFolderUnusable(
      `The key file ${path} does not hold 32 bytes in base64. Restore it from a copy.`,
    );
  return key;
}
