import { consoleApi } from "@fusion/contract/console-api.ts";
import { IpAllowListEffect, SetIpAllowList } from "@fusion/contract/ip-allow-list.ts";
import { ApplicationId, TokenId } from "@fusion/contract/primitives.ts";
import { Problem } from "@fusion/contract/problem.ts";
import { z } from "zod";
import type { UserPrincipal } from "../../access/principal.ts";
import type { ProvenUser } from "../../access/proven-user.ts";
import type { Nodes } from "../../leases/nodes.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Database } from "../../platform/database/database.ts";
import type { HttpServer } from "../../platform/http/server.ts";
import type * as ids from "../../platform/ids.ts";
import type { Random } from "../../platform/random.ts";
import { type AllowListEffect, previewAllowList } from "./preview-allow-list.ts";
import { setTokenAllowList } from "./set-token-allow-list.ts";

const ofToken = z.object({ tokenId: TokenId });
const failures = { 400: Problem, 401: Problem, 404: Problem, 503: Problem };

/** The IP allow-list of a token, and what one of a token or of an application would change. */
export function registerAllowListRoutes(
  scope: HttpServer,
  user: ProvenUser<UserPrincipal>,
  deps: {
    readonly db: Database;
    readonly clock: Clock;
    readonly random: Random;
    readonly nodes: Pick<Nodes, "untilAllKnow">;
  },
): void {
  scope.put(
    `${consoleApi}/tokens/:tokenId/ip-allow-list`,
    {
      schema: {
        tags: ["Tokens"],
        summary: "Set from where a token may be used; in force when the answer is there",
        params: ofToken,
        body: SetIpAllowList,
        response: { 200: SetIpAllowList, ...failures, 403: Problem },
      },
    },
    async (request) => {
      const { ipAllowList } = await setTokenAllowList(deps, user.of(request), {
        tokenId: request.params.tokenId as ids.TokenId,
        ipAllowList: request.body.ipAllowList,
        requestId: request.id,
      });
      return { ipAllowList: [...ipAllowList] };
    },
  );

  scope.post(
    `${consoleApi}/tokens/:tokenId/ip-allow-list/preview`,
    {
      schema: {
        tags: ["Tokens"],
        summary: "What an IP allow-list of a token would change; changes nothing",
        params: ofToken,
        body: SetIpAllowList,
        response: { 200: IpAllowListEffect, ...failures },
      },
    },
    async (request) => {
      const tokenId = request.params.tokenId as ids.TokenId;
      return effectView(
        await previewAllowList(deps, user.of(request), { tokenId }, request.body.ipAllowList),
      );
    },
  );

  scope.post(
    `${consoleApi}/applications/:applicationId/ip-allow-list/preview`,
    {
      schema: {
        tags: ["Applications"],
        summary: "What an IP allow-list of an application would change; changes nothing",
        params: z.object({ applicationId: ApplicationId }),
        body: SetIpAllowList,
        response: { 200: IpAllowListEffect, ...failures },
      },
    },
    async (request) => {
      const applicationId = request.params.applicationId as ids.ApplicationId;
      return effectView(
        await previewAllowList(deps, user.of(request), { applicationId }, request.body.ipAllowList),
      );
    },
  );
}

function effectView({ excludedCallers, unusableTokens }: AllowListEffect): IpAllowListEffect {
  return {
    excludedCallers: excludedCallers.map(({ ip, lastAt }) => ({ ip, lastAt: lastAt.toISOString() })),
    unusableTokens: [...unusableTokens],
  };
}
