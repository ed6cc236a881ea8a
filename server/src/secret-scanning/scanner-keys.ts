import { createPublicKey, type KeyObject } from "node:crypto";
import { z } from "zod";
import type { Clock } from "../platform/clock.ts";
import type { FetchText } from "../platform/http/outgoing.ts";
import { ScannerKeysUnavailable } from "./errors.ts";

/** As GitHub publishes it at `/meta/public_keys/secret_scanning`. */
const KeyList = z.object({
  public_keys: z.array(z.object({ key_identifier: z.string(), key: z.string() })).max(100),
});

/** A list is good for so long. */
const keptMs = 3_600_000;
/** An identifier that is not in the list may be new; the list is read again for it, but no more often than this. */
const againMs = 60_000;

/** The scanner's public key with this identifier; undefined when there is none. Throws {@link ScannerKeysUnavailable} when no list can be had. */
export type FindScannerKey = (identifier: string) => Promise<KeyObject | undefined>;

/** Reads the list when it is first needed and keeps it for an hour; one that cannot be renewed goes on serving. */
export function createScannerKeys({
  address,
  fetchText,
  clock,
}: {
  readonly address: string;
  readonly fetchText: FetchText;
  readonly clock: Clock;
}): FindScannerKey {
  let keys: ReadonlyMap<string, KeyObject> | undefined;
  let triedAt = Number.NEGATIVE_INFINITY;
  let failure: unknown;
  let reading: Promise<void> | undefined;

  const read = async (): Promise<void> => {
    triedAt = clock.monotonicMs();
    try {
      keys = parseKeys(await fetchText(address));
      failure = undefined;
    } catch (error) {
      failure = error;
    }
  };
  return async (identifier) => {
    const age = clock.monotonicMs() - triedAt;
    const known = keys?.get(identifier);
    if (age >= (known && !failure ? keptMs : againMs)) {
      reading ??= read().finally(() => {
        reading = undefined;
      });
    }
    await reading;
    if (!keys) throw new ScannerKeysUnavailable(failure);
    return keys.get(identifier);
  };
}

/** Keys on another curve than P-256 are left out: the signature is ECDSA with that curve. */
function parseKeys(text: string): Map<string, KeyObject> {
  const keys = new Map<string, KeyObject>();
  for (const { key_identifier, key } of KeyList.parse(JSON.parse(text)).public_keys) {
    const parsed = createPublicKey(key);
    if (parsed.asymmetricKeyDetails?.namedCurve === "prime256v1") keys.set(key_identifier, parsed);
  }
  return keys;
}
