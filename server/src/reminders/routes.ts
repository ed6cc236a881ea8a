import { consoleApi } from "@fusion/contract/console-api.ts";
import { ApplicationId, LocalDate, TokenId } from "@fusion/contract/primitives.ts";
import { Problem } from "@fusion/contract/problem.ts";
import {
  AcknowledgedReminders,
  previewDaysMax,
  ReminderDay,
  TestReminder,
  TokenReminders,
  UnheardTokens,
} from "@fusion/contract/reminders.ts";
import { type Expiry, TokenPreview } from "@fusion/contract/tokens.ts";
import { z } from "zod";
import type { AuthenticateUser } from "../access/authenticate.ts";
import { provenUser } from "../access/proven-user.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import { InvalidInput } from "../platform/errors.ts";
import type { HttpServer } from "../platform/http/server.ts";
import type * as ids from "../platform/ids.ts";
import { acknowledgeReminders } from "./acknowledge.ts";
import { previewDay } from "./preview-day.ts";
import { previewToken } from "./preview-token.ts";
import { testReminder } from "./test-reminder.ts";
import { getTokenReminders } from "./token-reminders.ts";
import { getUnheardTokens } from "./unheard-tokens.ts";

export interface ReminderRoutesDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly authenticate: AuthenticateUser;
  /** An origin without a trailing slash, for the links in messages. */
  readonly publicUrl: string;
}

const FintechOf = z
  .uuid()
  .optional()
  .describe("Which fintech, for the Fusion team; all others ask about their own.");
const failures = { "4xx": Problem, 503: Problem };

/** The console's routes about reminders. */
export function registerReminderRoutes(http: HttpServer, deps: ReminderRoutesDeps): void {
  const user = provenUser(deps.authenticate);
  void http.register(async (scope: HttpServer) => {
    scope.addHook("onRequest", async (request, reply) => {
      reply.header("cache-control", "no-store");
      await user.prove(request);
    });

    scope.get(
      `${consoleApi}/applications/:applicationId/token-preview`,
      {
        schema: {
          tags: ["Tokens"],
          summary: "When a token generated now would end, and who would be reminded when",
          params: z.object({ applicationId: ApplicationId }),
          querystring: z.object({
            days: z
              .string()
              .regex(/^[1-9][0-9]{0,3}$/, "is not a number of days")
              .optional()
              .describe("So many days from now; or give `date`."),
            date: LocalDate.optional().describe("A local day of the fintech's zone."),
          }),
          response: { 200: TokenPreview, ...failures },
        },
      },
      async (request) =>
        previewToken(deps, user.of(request), {
          applicationId: request.params.applicationId as ids.ApplicationId,
          expiry: expiryOf(request.query),
        }),
    );

    scope.get(
      `${consoleApi}/tokens/:tokenId/reminders`,
      {
        schema: {
          tags: ["Tokens"],
          summary: "Who is reminded of a token's end, what was sent, and what comes next",
          params: z.object({ tokenId: TokenId }),
          response: { 200: TokenReminders, ...failures },
        },
      },
      async (request) => getTokenReminders(deps, user.of(request), request.params.tokenId as ids.TokenId),
    );

    scope.get(
      `${consoleApi}/reminders`,
      {
        schema: {
          tags: ["Tokens"],
          summary: "What would be sent on a day",
          description:
            "The messages of one local day of the fintech as they would be read, by what is known now. With access to some applications only, you read what they say of those.",
          querystring: z.object({
            date: LocalDate.optional().describe(
              `A local day of the fintech's zone, from today to ${previewDaysMax} days ahead; without it, the next on which something goes out, or else today.`,
            ),
            fintechId: FintechOf,
          }),
          response: { 200: ReminderDay, ...failures },
        },
      },
      async (request) =>
        previewDay(deps, user.of(request), {
          fintechId: request.query.fintechId,
          date: request.query.date,
        }),
    );

    scope.post(
      `${consoleApi}/tokens/:tokenId/acknowledge-reminders`,
      {
        schema: {
          tags: ["Tokens"],
          summary: "Say that you know of a token's end",
          description:
            "What you are told of it today, in the fintech's zone, is marked so, and what of that was not sent yet will not be. Others are told as before, and you again tomorrow, until it is renewed.",
          params: z.object({ tokenId: TokenId }),
          response: { 200: AcknowledgedReminders, ...failures },
        },
      },
      async (request) => acknowledgeReminders(deps, user.of(request), request.params.tokenId as ids.TokenId),
    );

    scope.get(
      `${consoleApi}/reminders/unheard`,
      {
        schema: {
          tags: ["Tokens"],
          summary: "Active tokens of whose end nobody would hear, or only the admins who stand in",
          description: "Of those that you may see. Not of one that was renewed: its replacement counts.",
          querystring: z.object({ fintechId: FintechOf }),
          response: { 200: UnheardTokens, ...failures },
        },
      },
      async (request) => getUnheardTokens(deps, user.of(request), { fintechId: request.query.fintechId }),
    );

    scope.post(
      `${consoleApi}/tokens/:tokenId/test-reminder`,
      {
        schema: {
          tags: ["Tokens"],
          summary: "Send yourself a test of a token's reminders",
          description:
            "The reminder as it would read now, marked as a test, to each of your addresses that reminders reach, whether or not you asked to be reminded. What becomes of it stands in the token's reminders. One a minute, ten in 24 hours.",
          params: z.object({ tokenId: TokenId }),
          response: { 202: TestReminder, ...failures },
        },
      },
      async (request, reply) =>
        reply
          .code(202)
          .send(await testReminder(deps, user.of(request), request.params.tokenId as ids.TokenId)),
    );
  });
}

function expiryOf({ days, date }: { days?: string | undefined; date?: string | undefined }): Expiry {
  if (days !== undefined && date === undefined) return { days: Number(days) };
  if (date !== undefined && days === undefined) return { date };
  throw new InvalidInput("Give either days or date.", {
    fieldErrors: [{ pointer: days === undefined ? "/days" : "/date", detail: "Give either days or date." }],
  });
}
