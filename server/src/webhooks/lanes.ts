import type { Clock } from "../platform/clock.ts";
import type { DueEndpoint } from "./delivery-store.ts";

/** Who is delivered to at the same time in this process: each endpoint in a lane of its own. */
export interface Lanes {
  /** Opens lanes for those that have none, as far as there are any for their tenant. */
  openFor(due: readonly DueEndpoint[]): void;
  /** Waits until those that are open have ended. */
  ended(): Promise<void>;
}

const lanesMax = 128;
/** Of one tenant, however many slow endpoints it has: the others are left room, and so are its own in its other environment. */
const lanesOfTenantMax = 16;
/** After so long an endpoint to which there is always more to deliver makes room, where others wait for its lane. */
const turnMs = 10_000;

/** `deliver` delivers until there is nothing more to do or `makesRoom` says so. It never fails. */
export function createLanes({
  clock,
  deliver,
}: {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly deliver: (endpointId: string, makesRoom: () => boolean) => Promise<void>;
}): Lanes {
  const open = new Map<string, { readonly tenant: string; readonly ended: Promise<void> }>();
  /** Whether somebody waits for any lane, and the tenants that wait for one of their own. */
  let waiting = { forAny: false, tenants: new Set<string>() };
  /** Endpoints that made room, the earliest first: those that wait go before them. */
  let hadTheirTurn: string[] = [];

  const openOne = (endpointId: string, tenant: string): void => {
    const turnEndsMs = clock.monotonicMs() + turnMs;
    const makesRoom = (): boolean =>
      (waiting.forAny || waiting.tenants.has(tenant)) && clock.monotonicMs() >= turnEndsMs;
    const ended = deliver(endpointId, makesRoom).finally(() => {
      open.delete(endpointId);
      if (makesRoom()) hadTheirTurn.push(endpointId);
    });
    open.set(endpointId, { tenant, ended });
  };

  return {
    openFor(due) {
      const turns = new Map(hadTheirTurn.map((endpointId, at) => [endpointId, at + 1]));
      const turnOf = ({ endpointId }: DueEndpoint): number => turns.get(endpointId) ?? 0;
      const taken = new Map<string, number>();
      for (const { tenant } of open.values()) taken.set(tenant, (taken.get(tenant) ?? 0) + 1);
      waiting = { forAny: false, tenants: new Set() };
      for (const { endpointId, tenant } of due.toSorted((left, right) => turnOf(left) - turnOf(right))) {
        if (open.has(endpointId)) continue;
        const ofTenant = taken.get(tenant) ?? 0;
        if (ofTenant >= lanesOfTenantMax) waiting.tenants.add(tenant);
        else if (open.size >= lanesMax) waiting.forAny = true;
        else {
          taken.set(tenant, ofTenant + 1);
          openOne(endpointId, tenant);
        }
      }
      const stillDue = new Set(due.map(({ endpointId }) => endpointId));
      hadTheirTurn = hadTheirTurn.filter((endpointId) => stillDue.has(endpointId) && !open.has(endpointId));
    },
    async ended() {
      await Promise.all([...open.values()].map((lane) => lane.ended));
    },
  };
}
