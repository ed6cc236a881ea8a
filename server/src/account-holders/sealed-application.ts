import type { Keys } from "../platform/keys.ts";
import type { StoredApplication } from "./application-store.ts";
import type { HolderApplication } from "./individual.ts";

// Applications contain the numbers that were sent, so they are kept sealed: once as the first answer, once as they stand now.

export function sealFirstAnswer(keys: Keys, application: HolderApplication): Buffer {
  return keys.seal("identity-number", JSON.stringify(application), `answer/${application.applicationNumber}`);
}

export function openFirstAnswer(
  keys: Keys,
  stored: { readonly applicationNumber: string; readonly answerSealed: Buffer },
): HolderApplication {
  const text = keys.open("identity-number", stored.answerSealed, `answer/${stored.applicationNumber}`);
  return JSON.parse(text) as HolderApplication; // Our own, authenticated by its seal.
}

export function sealCurrent(keys: Keys, application: HolderApplication): Buffer {
  return keys.seal(
    "identity-number",
    JSON.stringify(application),
    `application/${application.applicationNumber}`,
  );
}

export function openStored(keys: Keys, stored: StoredApplication): HolderApplication {
  const context = `${stored.isFirstAnswer ? "answer" : "application"}/${stored.applicationNumber}`;
  return JSON.parse(keys.open("identity-number", stored.sealed, context)) as HolderApplication;
}

/** Gives the same text for the same content, in whatever order its keys were sent. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1)))
      : inner,
  );
}
