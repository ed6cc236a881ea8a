import { consoleApi } from "@fusion/contract/console-api.ts";
import { AddedPerson, EndedAccess, NewPerson, PersonList } from "@fusion/contract/login.ts";
import { UserId } from "@fusion/contract/primitives.ts";
import { Problem } from "@fusion/contract/problem.ts";
import { z } from "zod";
import type { ProvenUser } from "../../access/proven-user.ts";
import type { HttpServer } from "../../platform/http/server.ts";
import type * as ids from "../../platform/ids.ts";
import type { LoginParts } from "../parts.ts";
import { approvePasswordReset } from "../passwords/approve-password-reset.ts";
import type { ProvenSession } from "../sessions/authenticate.ts";
import { createUser } from "./create-user.ts";
import { endAccess } from "./end-access.ts";
import { listPeople } from "./people.ts";

const tags = ["People"];
const failures = { "4xx": Problem, 503: Problem };

/** The people of a fintech or of the Fusion team, and their access. */
export function registerPeopleRoutes(
  scope: HttpServer,
  parts: LoginParts,
  {
    session,
    publicUrl,
  }: {
    readonly session: ProvenUser<ProvenSession>;
    /** Where the console is, for people who are new to it. */
    readonly publicUrl: string;
  },
): void {
  const onRequest = session.prove;

  scope.get(
    `${consoleApi}/people`,
    {
      onRequest,
      schema: {
        tags,
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
        tags,
        summary:
          "Add a person to your own fintech (or the Fusion team); they are told, and so are the admins of a new one",
        body: NewPerson,
        response: { 201: AddedPerson, ...failures },
      },
    },
    async (request, reply) => {
      const { principal } = session.of(request);
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
        tags,
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
        tags,
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
}
