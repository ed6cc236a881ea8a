import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";

// The list (common-passwords.md) stays one sorted block of bytes: 2 MB in memory, unpacked in some 10 ms at the first use. A Set of 250,000
// strings takes ten times that.
let list: Promise<Buffer> | undefined;

/** Loads the list, once. */
export function loadCommonPasswords(): Promise<CommonPasswords> {
  list ??= readFile(new URL("./common-passwords.txt.br", import.meta.url)).then(promisify(brotliDecompress));
  return list.then((bytes) => ({ has: (word) => hasLine(bytes, word) }));
}

export interface CommonPasswords {
  /** Takes a lower-case word. */
  has(word: string): boolean;
}

const lineEnd = 10;

function hasLine(bytes: Buffer, word: string): boolean {
  if (word.length < 4 || !/^[\x21-\x7e]+$/.test(word)) return false;
  const wanted = Buffer.from(word, "latin1");
  // Invariant: if the word is there, its line starts in [low, high), and both are starts of lines.
  let low = 0;
  let high = bytes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const start = middle === 0 ? 0 : bytes.lastIndexOf(lineEnd, middle - 1) + 1;
    const end = bytes.indexOf(lineEnd, start);
    const order = wanted.compare(bytes, start, end);
    if (order === 0) return true;
    if (order < 0) high = start;
    else low = end + 1;
  }
  return false;
}
