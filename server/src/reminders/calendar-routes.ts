import { CalendarAddress, CalendarFeed } from "@fusion/contract/calendar.ts";
import { consoleApi } from "@fusion/contract/console-api.ts";
import { Problem } from "@fusion/contract/problem.ts";
import { z } from "zod";
import type { AuthenticateUser } from "../access/authenticate.ts";
import { provenUser } from "../access/proven-user.ts";
import type { HttpServer } from "../platform/http/server.ts";
import {
  type CalendarDeps,
  calendarPath,
  endCalendarFeed,
  getCalendarFeed,
  makeCalendarFeed,
  readCalendarFeed,
} from "./calendar-feed.ts";

const failures = { "4xx": Problem, 503: Problem };
const path = `${consoleApi}/calendar`;

/** The routes by which people manage their calendar feed, and the feed itself, for calendar programs. */
export function registerCalendarRoutes(
  http: HttpServer,
  deps: CalendarDeps & { readonly authenticate: AuthenticateUser },
): void {
  const user = provenUser(deps.authenticate);
  void http.register(async (scope: HttpServer) => {
    const tags = ["Reminders"];
    scope.addHook("onRequest", async (request, reply) => {
      reply.header("cache-control", "no-store");
      await user.prove(request);
    });
    scope.get(
      path,
      {
        schema: {
          tags,
          summary: "Whether my calendar program may read when my tokens end",
          response: { 200: CalendarFeed, ...failures },
        },
      },
      async (request) => getCalendarFeed(deps, user.of(request)),
    );
    scope.post(
      path,
      {
        schema: {
          tags,
          summary: "Make the address of my calendar, and end the one before",
          description:
            "A calendar (iCalendar, RFC 5545) of the active tokens that I asked to be reminded of, for a program that subscribes to it. Whoever has the address can read it, until another is made, it is ended or my access is, my password is set or one of my addresses changed. I am told of it on each address.",
          response: { 200: CalendarAddress, ...failures },
        },
      },
      async (request) => makeCalendarFeed(deps, user.of(request), request.id),
    );
    scope.delete(
      path,
      {
        schema: { tags, summary: "End the address of my calendar", response: { 204: z.null(), ...failures } },
      },
      async (request, reply) => {
        await endCalendarFeed(deps, user.of(request), request.id);
        return reply.status(204).send(null);
      },
    );
  });
  http.get<{ Params: { file: string } }>(
    `${calendarPath}:file`,
    { schema: { hide: true } as object },
    async (request, reply) => {
      const [, secret] = /^(.+)\.ics$/.exec(request.params.file) ?? [];
      const calendar = secret === undefined ? undefined : await readCalendarFeed(deps, secret);
      if (calendar === undefined) return reply.callNotFound();
      return reply.type("text/calendar; charset=utf-8").send(calendar);
    },
  );
}
