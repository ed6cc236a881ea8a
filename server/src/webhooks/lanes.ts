import type { Clock } from "../platform/clock.ts";
import type { DueEndpoint } from "./delivery-store.ts";

/** The endpoints that this process delivers to at the same time, each in a lane of its own. */
export interface Lanes {
  /** Opens lanes for endpoints that have none, as far as lanes are free for their tenant. */
  openFor(due: readonly DueEndpoint[]): void;
  /** Waits until the open lanes have ended. */
  ended(): Promise<void>;
}

const lanesMax = 128;
/**
 * Per tenant, however many slow endpoints it has. That leaves room for other tenants, and for its own endpoints in its other environment.
 */
const lanesOfTenantMax = 16;
/** After this time, an endpoint with more to deliver makes room if others wait for its lane. */
const turnMs = 10_000;

/** `deliver` delivers until nothing is left to do or `makesRoom` returns true. It never fails. */
export function createLanes({
  clock,
  deliver,
}: {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly deliver: (endpointId: string, makesRoom: () => boolean) => Promise<void>;
}): Lanes {
  const open = new Map<string, { readonly tenant: string; readonly ended: Promise<void> }>();
  /** Whether an endpoint waits for any lane, and which tenants wait for one of their own. */
  let waiting = { forAny: false, tenants: new Set<string>() };
  /** Endpoints that made room, the earliest first: waiting endpoints go before them. */
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
