import { z } from "zod";

// Shared pieces of the Fusion wire contract. Existing clients are loose with types (numbers as text, booleans as "true"), leave out
// most of what is optional or send null for it, so these pieces take all of that and yield one clean value.

/** Whether PostgreSQL can keep the text: no NUL character, no half of a surrogate pair. */
export function isStorableText(text: string): boolean {
  return !text.includes("\u0000") && text.isWellFormed();
}

const notStorable = "contains characters that cannot be stored (NUL or half of a surrogate pair)";

export const notStorableJson =
  "contains a number that is too large (such as 1e400), or characters that cannot be stored (NUL or half of a surrogate pair)";

/** Text of at most `lengthMax` characters that can be stored. */
export function wireText(lengthMax = 256) {
  return z
    .string()
    .max(lengthMax, `is longer than ${lengthMax} characters`)
    .refine(isStorableText, notStorable);
}

/** The message for a value of another type; a missing value gets the common message instead. */
export const unlessMissing = (message: string) => ({
  error: ({ input }: { readonly input?: unknown }) => ((input ?? null) === null ? undefined : message),
});

/** Text, or a number in its place: `"123"` and `123` alike. */
export function looseText(lengthMax = 256) {
  return z
    .union([z.string(), z.number()], unlessMissing("is neither text nor a number"))
    .transform(String)
    .refine((text) => text.length <= lengthMax, `is longer than ${lengthMax} characters`)
    .refine(isStorableText, notStorable);
}

/** Absent, null and `""` alike: nothing. */
export function optionalText(lengthMax = 256) {
  return looseText(lengthMax)
    .nullish()
    .transform((text) => (text === "" || text === null ? undefined : text));
}

/** A value that a client may leave out, or send as null or as an empty text. */
export function optional<Schema extends z.ZodType>(schema: Schema) {
  return z
    .preprocess((value) => (value === "" ? null : value), schema.nullish())
    .optional()
    .transform((value) => value ?? undefined);
}

/** A value that a client may leave out or send as null to keep it as it is; an empty text empties it. */
export function unlessKept<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullish().transform((value) => value ?? undefined);
}

/**
 * A caller's own id of a request, which makes it idempotent. A JSON number keeps every digit where the route names it in
 * `losslessPaths`. Absent, null and `""` alike: nothing.
 */
export const requestIdMax = 256;
export const RequestId = z
  .union([z.string(), z.number()], unlessMissing("is neither text nor a number"))
  .nullish()
  .transform((id) => (id === "" || id === null || id === undefined ? undefined : String(id)))
  .refine((id) => id === undefined || id.length <= requestIdMax, `is longer than ${requestIdMax} characters`)
  .refine((id) => id === undefined || isStorableText(id), notStorable)
  .describe(
    `Your own id of this request, text or a number, up to ${requestIdMax} characters. A repeat with the same id and content gets the first answer again.`,
  );

const wholeNumber = /^[+-]?\d{1,30}(?:\.0*)?$/;

const numberOrText = z.union([z.number(), z.string().max(40)], unlessMissing("is not a whole number"));

/** Reads a whole number: `5`, `"5"`, `"05"`, `"5.0"` and `5.0`. NaN for anything else. */
function readWhole(value: number | string): number {
  if (typeof value === "string") return wholeNumber.test(value.trim()) ? Number(value) : Number.NaN;
  return Number.isInteger(value) ? value : Number.NaN;
}

/** A whole number within the safe range. */
export const looseInteger = numberOrText.transform((value, context) => {
  const number = readWhole(value);
  if (Number.isSafeInteger(number)) return number;
  context.addIssue({
    code: "custom",
    message: Number.isNaN(number)
      ? "is not a whole number"
      : `is further from zero than ${Number.MAX_SAFE_INTEGER}`,
  });
  return z.NEVER;
});

/**
 * Epoch milliseconds as the bound of a range. A value beyond the safe range, such as the largest `long` for "no end", becomes the nearest
 * safe one.
 */
export const looseInstant = numberOrText.transform((value, context) => {
  const number = readWhole(value);
  if (!Number.isNaN(number))
    return Math.max(Number.MIN_SAFE_INTEGER, Math.min(number, Number.MAX_SAFE_INTEGER));
  context.addIssue({ code: "custom", message: "is not a whole number" });
  return z.NEVER;
});

const neitherTrueNorFalse = "is neither true nor false";
/** `true`, `"true"`, and so on; upper and lower case alike. */
export const looseBoolean = z
  .union([z.boolean(), z.string().max(16)], unlessMissing(neitherTrueNorFalse))
  .transform((value, context) => {
    if (typeof value === "boolean") return value;
    const word = value.trim().toLowerCase();
    if (word === "true" || word === "false") return word === "true";
    context.addIssue({ code: "custom", message: neitherTrueNorFalse });
    return z.NEVER;
  });

/** One of these words, which are in upper case; lower case and surrounding blanks are accepted, too. */
export function looseWord<const Word extends string>(
  words: readonly Word[],
  otherwise = `is none of ${words.join(", ")}`,
) {
  return z
    .string()
    .max(40)
    .transform((text) => text.trim().toUpperCase())
    .pipe(z.literal(words, otherwise));
}

/** A UUID in any form that PostgreSQL stores; lower case afterwards. */
export const Uuid = z
  .string()
  .regex(/^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/, "is not a UUID")
  .transform((text) => text.toLowerCase());

/** A free JSON object that can be stored as it is. An empty list counts as one, too, since PHP writes an empty map as `[]`. */
export const FreeSection = z.preprocess(
  (value) => (Array.isArray(value) && value.length === 0 ? {} : value),
  z.record(z.string(), z.unknown()).refine(isStorableJson, notStorableJson),
);

/** Small enough that a page of a thousand objects with such a section is no burden to any process. */
const freeObjectBytesMax = 8 * 1024;
export const FreeObject = FreeSection.refine(
  (value) => utf8Length(JSON.stringify(value)) <= freeObjectBytesMax,
  "is longer than 8 KiB of JSON",
);

/** The length of the text in UTF-8 bytes; each half of a surrogate pair counts as two of its four bytes. */
function utf8Length(text: string): number {
  let bytes = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 2 : 3;
  }
  return bytes;
}

/** Whether every text and key in it can be stored, and every number is finite (`1e400` is read as infinity). */
export function isStorableJson(value: unknown): boolean {
  if (typeof value === "string") return isStorableText(value);
  if (typeof value === "number") return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isStorableJson);
  if (typeof value === "object" && value !== null)
    return Object.entries(value).every(([key, inner]) => isStorableText(key) && isStorableJson(inner));
  return true;
}

/** One part of the path, or a query value: text with which the database can be queried without an error. */
export const PathText = z.string().max(512).refine(isStorableText, notStorable);

/** The bank. Its value is checked before a route is reached. */
export const IfiPath = z.object({ ifiID: z.string().describe("The bank (IFI), such as 140793.") });

/** `Jan 6, 2020 7:41:05 AM` */
export const WordyTime = z.string().meta({ examples: ["Jan 6, 2020 7:41:05 AM"] });
/** `{ date, time }` */
export const DateTimeParts = z
  .object({
    date: z.object({ year: z.number().int(), month: z.number().int(), day: z.number().int() }),
    time: z.object({
      hour: z.number().int(),
      minute: z.number().int(),
      second: z.number().int(),
      nano: z.number().int(),
    }),
  })
  .meta({
    examples: [
      { date: { year: 2026, month: 11, day: 24 }, time: { hour: 11, minute: 0, second: 0, nano: 0 } },
    ],
  });

/**
 * Every error of the Fusion API (wire contract, section 3). Loose, since a request that could not be read as HTTP gets one answer for all
 * APIs, with a problem's members beside these.
 */
export const FusionError = z
  .looseObject({
    code: z.string().describe("What a program branches on, such as token_revoked."),
    message: z.string().describe("For people."),
    errorCode: z.string().describe("The platform's code, such as FU4001, LE400008 or AR400004."),
    traceID: z.string().describe("The request's id; quote it when you ask for help."),
    details: z.looseObject({ errorCode: z.string() }),
    additionalInfo: z
      .record(z.string(), z.string())
      .describe("Field by field, what is wrong with the input."),
  })
  .meta({ id: "FusionError" });
export type FusionError = z.infer<typeof FusionError>;

/** The 409 for an operation that takes a {@link RequestId} and may be repeated with it. */
export const RequestMismatch = FusionError.describe(
  "REQUEST_MISMATCH: the requestID was used before with other content.",
);

/** The refusals that every operation shares, for a route's `response`. */
export const fusionErrors = {
  400: FusionError.describe("The input is not as it should be; additionalInfo names the fields."),
  401: FusionError.describe(
    "No token, or one that is malformed, unknown, expired or revoked; code says which.",
  ),
  403: FusionError.describe("The token does not allow this."),
  404: FusionError.describe("There is no such thing, or it is not yours."),
  503: FusionError.describe(
    "Try again shortly. Nothing was done, unless the code is outcome_unknown or transfer_outcome_unknown: then a write may have been done or not, and is to be repeated with the same requestID or formID.",
  ),
} as const;
