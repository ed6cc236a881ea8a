import type { EventName } from "@fusion/contract/webhooks.ts";
import type { UserPrincipal } from "../access/principal.ts";
import { type ManualClock, manualClock } from "../platform/clock.ts";
import type { ApplicationId } from "../platform/ids.ts";
import { createKeys } from "../platform/keys.ts";
import { silentLog } from "../platform/log.ts";
import { systemRandom } from "../platform/random.ts";
import type { DeliverDeps } from "../webhooks/deliver.ts";
import { addEndpoint } from "../webhooks/manage-endpoints.ts";
import { createPublisher, type Publisher } from "../webhooks/publisher.ts";
import type { TestDatabase } from "./test-database.ts";

export interface TestWebhooks {
  readonly deps: DeliverDeps & { readonly log: ReturnType<typeof silentLog> };
  readonly clock: ManualClock;
  readonly publisher: Publisher;
  add(
    user: UserPrincipal,
    applicationId: ApplicationId,
    url: string,
    events?: readonly EventName[],
  ): Promise<{ endpointId: string; secret: string }>;
}

/** The room's parts on a test's database, allowed to deliver to this machine, with a clock that the test moves. */
export function arrangeWebhooks(
  { db }: Pick<TestDatabase, "db">,
  parts: Partial<Pick<DeliverDeps, "resolveHost" | "keys">> = {},
): TestWebhooks {
  const clock = manualClock(new Date());
  const deps = {
    db,
    clock,
    random: systemRandom,
    keys: createKeys(Buffer.alloc(32, 7), systemRandom),
    resolveHost: async () => {
      throw new Error("Tests ask no name server.");
    },
    policy: { allowLoopback: true },
    publicUrl: "https://fusion.example",
    log: silentLog(),
    ...parts,
  };
  return {
    deps,
    clock,
    publisher: createPublisher(deps),
    async add(user, applicationId, url, events = ["TRANSFER_CREATED"]) {
      const { endpoint, secret } = await addEndpoint(deps, user, {
        applicationId,
        url,
        events: [...events],
      });
      return { endpointId: endpoint.endpointId, secret };
    },
  };
}
