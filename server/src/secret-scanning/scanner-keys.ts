import { createPublicKey, type KeyObject } from "node:crypto";
import { z } from "zod";
import type { Clock } from "../platform/clock.ts";
import type { FetchText } from "../platform/http/outgoing.ts";
import { ScannerKeysUnavailable } from "./errors.ts";

/** The list that GitHub publishes at `/meta/public_keys/secret_scanning`. */
const KeyList = z.object({
  public_keys: z.array(z.unknown()).max(100),
});
const ListedKey = z.object({ key_identifier: z.string(), key: z.string() });

/** How long a list is used. */
const keptMs = 3_600_000;
/**
 * The pause before the list is read again for an identifier that is not in it, which may be new. Each useless reading (it failed, or the
 * identifier was not there) doubles the pause. So made-up identifiers cause ten readings in their first hour and six in each hour after it:
 * GitHub allows an address 60, and several processes may share one.
 */
const againMs = { least: 60_000, most: 600_000 };

/**
 * The scanner's public key with this identifier; undefined when there is none. Throws {@link ScannerKeysUnavailable} while that cannot be
 * known.
 */
export type FindScannerKey = (identifier: string) => Promise<KeyObject | undefined>;

/** Reads the list when it is first needed and keeps it for an hour. A list that cannot be renewed stays in use for the keys that it has. */
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
  let inVain = 0;
  let reading: Promise<void> | undefined;

  const pauseMs = (): number => Math.min(againMs.least * 2 ** Math.max(0, inVain - 1), againMs.most);
  const read = async (identifier: string): Promise<void> => {
    triedAt = clock.monotonicMs();
    try {
      keys = parseKeys(await fetchText(address));
      failure = undefined;
    } catch (error) {
      failure = error;
    }
    inVain = failure === undefined && keys?.has(identifier) ? 0 : inVain + 1;
  };
  return async (identifier) => {
    const age = clock.monotonicMs() - triedAt;
    const known = keys?.get(identifier);
    if (age >= (known && failure === undefined ? keptMs : pauseMs())) {
      reading ??= read(identifier).finally(() => {
        reading = undefined;
      });
    }
    await reading;
    const found = keys?.get(identifier);
    // The key may be new: if its report were refused for good now, it would not be sent again.
    if (!found && failure !== undefined) throw new ScannerKeysUnavailable(failure);
    return found;
  };
}

/**
 * Leaves out what is no key on P-256: the signature is ECDSA with that curve. A key of another kind, perhaps of a form that is not known
 * here yet, must not take the others with it. Throws when none is left: then the list is not what it should be.
 */
function parseKeys(text: string): Map<string, KeyObject> {
  const keys = new Map<string, KeyObject>();
  for (const listed of KeyList.parse(JSON.parse(text)).public_keys) {
    const { success, data } = ListedKey.safeParse(listed);
    const parsed = success ? readKey(data.key) : undefined;
    if (data && parsed?.asymmetricKeyDetails?.namedCurve === "prime256v1")
      keys.set(data.key_identifier, parsed);
  }
  if (keys.size === 0) throw new Error("The list has no key on P-256.");
  return keys;
}

function readKey(text: string): KeyObject | undefined {
  try {
    return createPublicKey(text);
  } catch {
    return undefined;
  }
}
