import { z } from "zod";

// The messages of GitHub's partner program for secret scanning, with its names.

/**
 * The form that a report should have. An entry with another form must not keep the others' tokens alive, so no report is refused for it.
 */
export const SecretReport = z
  .array(
    z.object({
      token: z.string(),
      type: z.string().describe("What the scanner calls this kind of secret."),
      url: z.string().nullish().describe("Where it was found; not every source has an address."),
      source: z.string().nullish().describe("What was scanned, such as `content` or `commit`."),
    }),
  )
  .min(1);
export type SecretReport = z.infer<typeof SecretReport>;

export const SecretVerdicts = z.array(
  z.object({
    token_hash: z.string().describe("SHA-256 of the token, in base64."),
    token_type: z.string(),
    label: z.enum(["true_positive", "false_positive"]),
  }),
);
export type SecretVerdicts = z.infer<typeof SecretVerdicts>;
