import { readFile } from "node:fs/promises";

/** Reads a small document at an address from an operator's setting, `https:` or `file:`. Throws when that fails. */
export type FetchText = (address: string) => Promise<string>;

const deadlineMs = 5_000;
const bytesMax = 256 * 1024;

/** The real one: 5 s and 256 KiB at most, no redirects. Only for addresses from the settings, never for a caller's. */
export const fetchText: FetchText = async (address) => {
  const url = new URL(address);
  if (url.protocol === "file:") return readFile(url, "utf8");
  const response = await fetch(url, {
    redirect: "error",
    signal: AbortSignal.timeout(deadlineMs),
    headers: { accept: "application/json", "user-agent": "fusion" },
  });
  if (!response.ok || !response.body) throw new Error(`${url.origin} answered ${response.status}.`);
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body) {
    length += part.byteLength;
    if (length > bytesMax) throw new Error(`${url.origin} answered more than ${bytesMax} bytes.`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
};
