import { consoleApi } from "@fusion/contract/console-api.ts";
import {
  AddedPerson,
  CodeSent,
  CurrentSession,
  EndedAccess,
  ForgotPassword,
  ForgotStart,
  LoginCode,
  LoginNext,
  LoginPassword,
  LoginStart,
  NewPerson,
  PasswordChange,
  PersonList,
  SessionList,
  StepUpDone,
  StepUpStart,
} from "@fusion/contract/login.ts";
import { SessionId, UserId } from "@fusion/contract/primitives.ts";
import { Problem } from "@fusion/contract/problem.ts";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { SessionRequired } from "../access/errors.ts";
import { provenUser } from "../access/proven-user.ts";
import type { Clock } from "../platform/clock.ts";
import type { Database } from "../platform/database/database.ts";
import type { HttpServer } from "../platform/http/server.ts";
import type * as ids from "../platform/ids.ts";
import type { Keys } from "../platform/keys.ts";
import type { Log } from "../platform/log.ts";
import type { Messenger } from "../platform/messages/message.ts";
import type { Random } from "../platform/random.ts";
import { approvePasswordReset } from "./approve-password-reset.ts";
import { createSessionProof } from "./authenticate.ts";
import { hashBrowserSecret } from "./browser-secret.ts";
import { changePassword } from "./change-password.ts";
import { checkPassword } from "./check-password.ts";
import { createCodeSender } from "./code-sender.ts";
import { createLoginCookies } from "./cookies.ts";
import { createUser } from "./create-user.ts";
import { endAccess } from "./end-access.ts";
import { LoginExpired } from "./errors.ts";
import { forgotPassword } from "./forgot-password.ts";
import { type LoginLimits, standardLimits } from "./limits.ts";
import type { OpenedSession } from "./open-session.ts";
import type { Answered, Browser, LoginParts } from "./parts.ts";
import { createPasswordHasher, type PasswordHasher } from "./password-hash.ts";
import { listPeople } from "./people.ts";
import { describeCurrentSession, endSession, listSessions } from "./sessions.ts";
import { setNewPassword } from "./set-new-password.ts";
import { resendCode, startLogin } from "./start-login.ts";
import { finishStepUp, startStepUp } from "./step-up.ts";
import { verifyCode } from "./verify-code.ts";

export interface LoginRoutesDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly keys: Keys;
  readonly messenger: Messenger;
  readonly log: Log;
  /** False only over plain loopback HTTP in development. */
  readonly secureCookies: boolean;
  /** Where the console is, for people who are new to it. */
  readonly publicUrl: string;
  readonly limits?: LoginLimits;
  readonly passwordHasher?: PasswordHasher | undefined;
}

const failures = { "4xx": Problem, 503: Problem };

/**
 * Logging in, sessions, step-up and people, under `/console/api`. Mutating calls rely on the same-origin check of the HTTP layer and on
 * SameSite=Strict. `settled` resolves when no code is being sent any more, for stopping and for tests.
 */
export function registerLoginRoutes(http: HttpServer, deps: LoginRoutesDeps): { settled(): Promise<void> } {
  const { db, clock, random, keys, limits = standardLimits } = deps;
  const codes = createCodeSender(deps);
  const hasher = deps.passwordHasher ?? createPasswordHasher(random);
  const parts: LoginParts = { db, clock, random, keys, limits, codes, hasher };
  const cookies = createLoginCookies({ secure: deps.secureCookies });
  const prove = createSessionProof({ ...deps, limits });
  const session = provenUser(prove);

  const browserOf = (request: FastifyRequest): Browser => {
    const device = cookies.read(request, "device");
    const session = cookies.read(request, "session");
    return {
      ip: request.ip,
      userAgent: (request.headers["user-agent"] ?? "").slice(0, 200),
      requestId: request.id,
      deviceHash: device === undefined ? undefined : hashBrowserSecret(device),
      sessionHash: session === undefined ? undefined : hashBrowserSecret(session),
    };
  };
  const walkHashOf = (request: FastifyRequest): Buffer => {
    const secret = cookies.read(request, "login");
    if (secret === undefined) throw new LoginExpired();
    return hashBrowserSecret(secret);
  };
  const finish = async (reply: FastifyReply, opened: OpenedSession): Promise<CurrentSession> => {
    const answer = await describeCurrentSession(parts, opened.principal);
    cookies.clear(reply, "login");
    cookies.set(reply, "session", opened.sessionSecret);
    cookies.set(reply, "device", opened.deviceSecret);
    return answer;
  };

  // Where password managers send a person to change a password ("A Well-Known URL for Changing Passwords", W3C).
  http.get("/.well-known/change-password", { schema: { hide: true } }, async (_request, reply) =>
    reply.redirect("/account"),
  );
  void http.register(async (scope: HttpServer) => {
    scope.addHook("onRequest", async (_request, reply) => {
      // Every answer here is personal or belongs to a login.
      reply.header("cache-control", "no-store");
    });

    const login = { tags: ["Logging in"] };
    scope.post(
      `${consoleApi}/login/start`,
      {
        schema: {
          ...login,
          summary: "Start a login: sends a one-time code to the phone or email",
          body: LoginStart,
          response: { 200: CodeSent, ...failures },
        },
      },
      async (request, reply) => {
        const previous = cookies.read(request, "login");
        const started = await startLogin(parts, browserOf(request), {
          identifier: request.body.identifier,
          previousWalkHash: previous === undefined ? undefined : hashBrowserSecret(previous),
        });
        cookies.set(reply, "login", started.walkSecret);
        return answered(reply, started);
      },
    );
    scope.post(
      `${consoleApi}/login/resend`,
      {
        schema: {
          ...login,
          summary: "Send another code for the same step",
          response: { 200: CodeSent, ...failures },
        },
      },
      async (request, reply) =>
        answered(reply, await resendCode(parts, browserOf(request), walkHashOf(request))),
    );
    scope.post(
      `${consoleApi}/login/code`,
      {
        schema: {
          ...login,
          summary: "Verify the code; says whether a password is asked or set next, or another code asked",
          body: LoginCode,
          response: { 200: LoginNext, ...failures },
        },
      },
      async (request, reply) =>
        answered(
          reply,
          await verifyCode(parts, browserOf(request), walkHashOf(request), {
            code: request.body.code,
            step: "code",
          }),
        ),
    );
    scope.post(
      `${consoleApi}/login/password`,
      {
        schema: {
          ...login,
          summary: "Finish the login with the password",
          body: LoginPassword,
          response: { 200: CurrentSession, ...failures },
        },
      },
      async (request, reply) =>
        finish(reply, await checkPassword(parts, browserOf(request), walkHashOf(request), request.body)),
    );
    scope.post(
      `${consoleApi}/login/new-password`,
      {
        schema: {
          ...login,
          summary: "Finish the first login, or one after a forgotten password, by setting the password",
          body: LoginPassword,
          response: { 200: CurrentSession, ...failures },
        },
      },
      async (request, reply) =>
        finish(reply, await setNewPassword(parts, browserOf(request), walkHashOf(request), request.body)),
    );
    scope.post(
      `${consoleApi}/login/forgot`,
      {
        schema: {
          ...login,
          summary: "Forgot password: a code to the other identity, or a request for approval",
          body: ForgotStart.nullish(),
          response: { 200: ForgotPassword, ...failures },
        },
      },
      async (request, reply) =>
        answered(
          reply,
          await forgotPassword(parts, browserOf(request), walkHashOf(request), request.body ?? {}),
        ),
    );
    scope.post(
      `${consoleApi}/login/forgot/code`,
      {
        schema: {
          ...login,
          summary: "Verify the code sent to the other identity",
          body: LoginCode,
          response: { 200: LoginNext, ...failures },
        },
      },
      async (request, reply) =>
        answered(
          reply,
          await verifyCode(parts, browserOf(request), walkHashOf(request), {
            code: request.body.code,
            step: "forgot_code",
          }),
        ),
    );

    const sessions = { tags: ["Sessions"] };
    const onRequest = session.prove;
    scope.get(
      `${consoleApi}/session`,
      {
        onRequest,
        schema: { ...sessions, summary: "Who is logged in", response: { 200: CurrentSession, ...failures } },
      },
      (request) => describeCurrentSession(parts, session.of(request).principal),
    );
    scope.post(
      `${consoleApi}/logout`,
      { schema: { ...sessions, summary: "Log out", response: { 204: z.null(), ...failures } } },
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
        schema: { ...sessions, summary: "My sessions", response: { 200: SessionList, ...failures } },
      },
      (request) => listSessions(parts, session.of(request).principal),
    );
    scope.post(
      `${consoleApi}/sessions/:sessionId/end`,
      {
        onRequest,
        schema: {
          ...sessions,
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
    scope.post(
      `${consoleApi}/step-up/start`,
      {
        onRequest,
        schema: {
          ...sessions,
          summary: "Send a code to prove presence",
          body: StepUpStart.nullish(),
          response: { 200: CodeSent, ...failures },
        },
      },
      async (request, reply) =>
        answered(
          reply,
          await startStepUp(parts, browserOf(request), session.of(request), request.body ?? {}),
        ),
    );
    scope.post(
      `${consoleApi}/step-up/code`,
      {
        onRequest,
        schema: {
          ...sessions,
          summary: "Prove presence with the code",
          body: LoginCode,
          response: { 200: StepUpDone, ...failures },
        },
      },
      (request) => finishStepUp(parts, browserOf(request), session.of(request), request.body),
    );
    scope.post(
      `${consoleApi}/password`,
      {
        onRequest,
        schema: {
          ...sessions,
          summary: "Change my password; my other sessions end, and this one goes on under a new cookie",
          body: PasswordChange,
          response: { 204: z.null(), ...failures },
        },
      },
      async (request, reply) => {
        const proven = session.of(request);
        const renewed = await changePassword(parts, browserOf(request), proven, request.body);
        cookies.set(reply, "session", renewed.sessionSecret);
        if (renewed.deviceSecret !== undefined) cookies.set(reply, "device", renewed.deviceSecret);
        return reply.status(204).send(null);
      },
    );

    const people = { tags: ["People"] };
    scope.get(
      `${consoleApi}/people`,
      {
        onRequest,
        schema: {
          ...people,
          summary: "The people of the fintech; everyone, for operators",
          response: { 200: PersonList, ...failures },
        },
      },
      (request) => listPeople(parts, session.of(request).principal),
    );
    scope.post(
      `${consoleApi}/people`,
      {
        onRequest,
        schema: {
          ...people,
          summary:
            "Add a person to your own fintech (or the Fusion team); they are told, and so are the admins of a new one",
          body: NewPerson,
          response: { 201: AddedPerson, ...failures },
        },
      },
      async (request, reply) => {
        const { principal } = session.of(request);
        const { publicUrl } = deps;
        const wanted = { ...request.body, fintech: principal.fintech, requestId: request.id };
        const { userId, identities } = await createUser({ ...parts, publicUrl }, principal, wanted);
        return reply.status(201).send({ userId, identities: [...identities] });
      },
    );
    scope.post(
      `${consoleApi}/people/:userId/end-access`,
      {
        onRequest,
        schema: {
          ...people,
          summary: "End a person's access for good; tokens that they generated stay",
          params: z.object({ userId: UserId }),
          response: { 200: EndedAccess, ...failures },
        },
      },
      (request) =>
        endAccess(parts, session.of(request).principal, {
          userId: request.params.userId as ids.UserId,
          requestId: request.id,
        }),
    );
    scope.post(
      `${consoleApi}/people/:userId/approve-reset`,
      {
        onRequest,
        schema: {
          ...people,
          summary: "Approve a forgotten password: the person sets a new one at the next login",
          params: z.object({ userId: UserId }),
          response: { 204: z.null(), ...failures },
        },
      },
      async (request, reply) => {
        const { principal } = session.of(request);
        const userId = request.params.userId as ids.UserId;
        await approvePasswordReset(parts, principal, { userId, requestId: request.id });
        return reply.status(204).send(null);
      },
    );
  });
  return { settled: () => codes.settled() };
}

/** Gives the answer, and runs the rest once it has gone out (or the caller has left). */
function answered<Answer>(reply: FastifyReply, { answer, afterwards }: Answered<Answer>): Answer {
  let done = false;
  const once = (): void => {
    if (done) return;
    done = true;
    afterwards();
  };
  reply.raw.once("finish", once).once("close", once);
  return answer;
}
