import { z } from "zod";

/** An error answer of the console API: RFC 9457 problem details, with what our own callers branch on. */
export const Problem = z
  .object({
    type: z.string().describe("A link to the page that explains this code."),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().describe("What happened, what is unharmed, what to do; for people."),
    code: z.string().describe("What a program branches on; constant."),
    request_id: z.string().describe("Quote it when you ask for help."),
    errors: z
      .array(
        z.object({
          pointer: z.string().describe("A JSON pointer (RFC 6901) to the input."),
          detail: z.string(),
        }),
      )
      .optional(),
  })
  // Extension members, such as `tokenId` of `token_already_issued`.
  .loose()
  .meta({ id: "Problem" });
export type Problem = z.infer<typeof Problem>;
