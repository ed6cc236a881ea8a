import { consoleApi } from "@fusion/contract/console-api.ts";
import {
  CodeSent,
  CurrentSession,
  LoginCode,
  PasswordChange,
  SessionList,
  StepUpCode,
  StepUpDone,
  StepUpStart,
} from "@fusion/contract/login.ts";
import { SessionId } from "@fusion/contract/primitives.ts";
import { Problem } from "@fusion/contract/problem.ts";
import { z } from "zod";
import { SessionRequired } from "../../access/errors.ts";
import type { ProvenUser } from "../../access/proven-user.ts";
import type { HttpServer } from "../../platform/http/server.ts";
import type * as ids from "../../platform/ids.ts";
import { answered } from "../answered.ts";
import type { LoginParts } from "../parts.ts";
import { changePassword } from "../passwords/change-password.ts";
import type { ProvenSession, ProveSession } from "./authenticate.ts";
import { browserOf } from "./browser-of.ts";
import type { LoginCookies } from "./cookies.ts";
import { describeCurrentSession, endSession, listSessions } from "./sessions.ts";
import { findStepUpCode, finishStepUp, startStepUp } from "./step-up.ts";

const tags = ["Sessions"];
const failures = { "4xx": Problem, 503: Problem };

/** What a person who is logged in may see and do of their own: sessions, presence, password. */
export function registerSessionRoutes(
  scope: HttpServer,
  parts: LoginParts,
  {
    cookies,
    prove,
    session,
  }: {
    readonly cookies: LoginCookies;
    readonly prove: ProveSession;
    readonly session: ProvenUser<ProvenSession>;
  },
): void {
  const onRequest = session.prove;

  scope.get(
    `${consoleApi}/session`,
    {
      onRequest,
      schema: { tags, summary: "Who is logged in", response: { 200: CurrentSession, ...failures } },
    },
    (request) => describeCurrentSession(parts, session.of(request).principal),
  );

  scope.post(
    `${consoleApi}/logout`,
    { schema: { tags, summary: "Log out", response: { 204: z.null(), ...failures } } },
    async (request, reply) => {
      try {
        // A session of anybody: the browser is logged out.
        const { principal } = await prove(request, "anybody's");
        await endSession(parts, principal, { sessionId: principal.sessionId, requestId: request.id });
      } catch (error) {
        // Being logged out already is fine.
        if (!(error instanceof SessionRequired)) throw error;
      }
      cookies.clear(reply, "session");
      return reply.status(204).send(null);
    },
  );

  scope.get(
    `${consoleApi}/sessions`,
    {
      onRequest,
      schema: { tags, summary: "My sessions", response: { 200: SessionList, ...failures } },
    },
    (request) => listSessions(parts, session.of(request).principal),
  );

  scope.post(
    `${consoleApi}/sessions/:sessionId/end`,
    {
      onRequest,
      schema: {
        tags,
        summary: "End one of my sessions",
        params: z.object({ sessionId: SessionId }),
        response: { 204: z.null(), ...failures },
      },
    },
    async (request, reply) => {
      const { principal } = session.of(request);
      const sessionId = request.params.sessionId as ids.SessionId;
      await endSession(parts, principal, { sessionId, requestId: request.id });
      if (sessionId === principal.sessionId) cookies.clear(reply, "session");
      return reply.status(204).send(null);
    },
  );

  scope.get(
    `${consoleApi}/step-up`,
    {
      onRequest,
      schema: {
        tags,
        summary: "The code with which I can prove presence",
        response: { 200: StepUpCode, ...failures },
      },
    },
    async (request) => ({ sent: await findStepUpCode(parts, session.of(request)) }),
  );

  scope.post(
    `${consoleApi}/step-up/start`,
    {
      onRequest,
      schema: {
        tags,
        summary: "Send a code to prove presence",
        body: StepUpStart.nullish(),
        response: { 200: CodeSent, ...failures },
      },
    },
    async (request, reply) =>
      answered(
        reply,
        await startStepUp(parts, browserOf(cookies, request), session.of(request), request.body ?? {}),
      ),
  );

  scope.post(
    `${consoleApi}/step-up/code`,
    {
      onRequest,
      schema: {
        tags,
        summary: "Prove presence with the code",
        body: LoginCode,
        response: { 200: StepUpDone, ...failures },
      },
    },
    (request) => finishStepUp(parts, browserOf(cookies, request), session.of(request), request.body),
  );

  scope.post(
    `${consoleApi}/password`,
    {
      onRequest,
      schema: {
        tags,
        summary: "Change my password; my other sessions end, and this one goes on under a new cookie",
        body: PasswordChange,
        response: { 204: z.null(), ...failures },
      },
    },
    async (request, reply) => {
      const proven = session.of(request);
      const renewed = await changePassword(parts, browserOf(cookies, request), proven, request.body);
      cookies.set(reply, "session", renewed.sessionSecret);
      if (renewed.deviceSecret !== undefined) cookies.set(reply, "device", renewed.deviceSecret);
      return reply.status(204).send(null);
    },
  );
}
