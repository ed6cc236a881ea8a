import { consoleApi } from "@fusion/contract/console-api.ts";
import {
  CodeSent,
  CurrentSession,
  ForgotPassword,
  ForgotStart,
  LoginCode,
  LoginNext,
  LoginPassword,
  LoginStart,
} from "@fusion/contract/login.ts";
import { Problem } from "@fusion/contract/problem.ts";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { HttpServer } from "../../platform/http/server.ts";
import { answered } from "../answered.ts";
import { LoginExpired } from "../errors.ts";
import type { LoginParts } from "../parts.ts";
import { browserOf } from "../sessions/browser-of.ts";
import { hashBrowserSecret } from "../sessions/browser-secret.ts";
import type { LoginCookies } from "../sessions/cookies.ts";
import type { OpenedSession } from "../sessions/open-session.ts";
import { describeCurrentSession } from "../sessions/sessions.ts";
import { checkPassword } from "./check-password.ts";
import { forgotPassword } from "./forgot-password.ts";
import { setNewPassword } from "./set-new-password.ts";
import { resendCode, startLogin } from "./start-login.ts";
import { verifyCode } from "./verify-code.ts";

const tags = ["Logging in"];
const failures = { "4xx": Problem, 503: Problem };

/** The steps from an identifier to a session, a forgotten password included. */
export function registerWalkRoutes(scope: HttpServer, parts: LoginParts, cookies: LoginCookies): void {
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

  scope.post(
    `${consoleApi}/login/start`,
    {
      schema: {
        tags,
        summary: "Start a login: sends a one-time code to the phone or email",
        body: LoginStart,
        response: { 200: CodeSent, ...failures },
      },
    },
    async (request, reply) => {
      const previous = cookies.read(request, "login");
      const started = await startLogin(parts, browserOf(cookies, request), {
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
        tags,
        summary: "Send another code for the same step",
        response: { 200: CodeSent, ...failures },
      },
    },
    async (request, reply) =>
      answered(reply, await resendCode(parts, browserOf(cookies, request), walkHashOf(request))),
  );

  scope.post(
    `${consoleApi}/login/code`,
    {
      schema: {
        tags,
        summary: "Verify the code; says whether a password is asked or set next, or another code asked",
        body: LoginCode,
        response: { 200: LoginNext, ...failures },
      },
    },
    async (request, reply) =>
      answered(
        reply,
        await verifyCode(parts, browserOf(cookies, request), walkHashOf(request), {
          code: request.body.code,
          step: "code",
        }),
      ),
  );

  scope.post(
    `${consoleApi}/login/password`,
    {
      schema: {
        tags,
        summary: "Finish the login with the password",
        body: LoginPassword,
        response: { 200: CurrentSession, ...failures },
      },
    },
    async (request, reply) =>
      finish(
        reply,
        await checkPassword(parts, browserOf(cookies, request), walkHashOf(request), request.body),
      ),
  );

  scope.post(
    `${consoleApi}/login/new-password`,
    {
      schema: {
        tags,
        summary: "Finish the first login, or one after a forgotten password, by setting the password",
        body: LoginPassword,
        response: { 200: CurrentSession, ...failures },
      },
    },
    async (request, reply) =>
      finish(
        reply,
        await setNewPassword(parts, browserOf(cookies, request), walkHashOf(request), request.body),
      ),
  );

  scope.post(
    `${consoleApi}/login/forgot`,
    {
      schema: {
        tags,
        summary: "Forgot password: a code to the other identity, or a request for approval",
        body: ForgotStart.nullish(),
        response: { 200: ForgotPassword, ...failures },
      },
    },
    async (request, reply) =>
      answered(
        reply,
        await forgotPassword(parts, browserOf(cookies, request), walkHashOf(request), request.body ?? {}),
      ),
  );

  scope.post(
    `${consoleApi}/login/forgot/code`,
    {
      schema: {
        tags,
        summary: "Verify the code sent to the other identity",
        body: LoginCode,
        response: { 200: LoginNext, ...failures },
      },
    },
    async (request, reply) =>
      answered(
        reply,
        await verifyCode(parts, browserOf(cookies, request), walkHashOf(request), {
          code: request.body.code,
          step: "forgot_code",
        }),
      ),
  );
}
