import { setTimeout as sleep } from "node:timers/promises";
import type { ArrangedToken } from "./arrange.ts";
import type { CallKind, HistoryWriter } from "./history.ts";
import { type HttpConnection, openConnection } from "./http-connection.ts";
import { now } from "./now.ts";
import type { Chance } from "./random.ts";
import { callRequest } from "./requests.ts";

/** Clients that call all nodes with valid tokens and with tokens that were revoked a moment ago. */
export interface Load {
  /** How many calls were answered so far. A call without an answer, such as one to a killed node, races with nothing and is not counted. */
  calls(): number;
  /**
   * Sets how long, on average, each client pauses between an answer and its next call. The pauses vary, or all clients would call at once.
   */
  setPause(milliseconds: number): void;
  /** Takes a token in use, to be revoked; another one takes its place among those in use. */
  takeWarm(): ArrangedToken | undefined;
  /** Takes a token that no node has seen yet. */
  takeCold(): ArrangedToken | undefined;
  /** Calls with this token are expected to be refused from now on; some clients keep making them for a while. */
  noteRevoked(token: ArrangedToken): void;
  /** Sends one call of each kind with the token to every node, all at once, whatever else is under way there. */
  probeAll(token: ArrangedToken): void;
  /** Repeats gateway checks with the token at every node while `isGoingOn` returns true. */
  probeWhile(token: ArrangedToken, isGoingOn: () => boolean): void;
  /** Sends one call of each kind that changes nothing to one node, all at once. */
  probe(token: ArrangedToken, node: number): void;
  /** A token in use. */
  pickValid(): ArrangedToken;
  /** Stops the clients and waits, but not for long, for the calls under way. */
  stop(): Promise<void>;
}

export interface LoadOptions {
  readonly ports: readonly number[];
  readonly tokens: readonly ArrangedToken[];
  readonly kinds: readonly CallKind[];
  readonly chance: Chance;
  readonly history: HistoryWriter;
  /** How many clients call each node, each as soon as its last call was answered. */
  readonly clientsEach: number;
}

/** Tokens in use at the same time: few enough that each is called often and is in every node's memory. */
const inUse = 48;
const revokedRemembered = 48;
const probeEveryMs = 200;
/** Longer than any fault: the answer of a node that thaws counts too. */
const callPatienceMs = 45_000;
const stopPatienceMs = 12_000;
/**
 * Out of fifty calls. Few are of the kinds that the database must answer, so that hundreds of thousands of the others race with
 * revocations.
 */
const shares: Readonly<Record<CallKind, number>> = { read: 3, check: 45, transfer: 2 };
const withRevoked = 0.2;

export function startLoad({ ports, tokens, kinds, chance, history, clientsEach }: LoadOptions): Load {
  let fresh = 0;
  const take = (): ArrangedToken | undefined => tokens[fresh++];
  const active: ArrangedToken[] = [];
  while (active.length < inUse) {
    const token = take();
    if (!token) throw new Error("There are fewer tokens than are in use at the same time.");
    active.push(token);
  }
  const revoked: ArrangedToken[] = [];
  const kindBag = kinds.flatMap((kind) => Array.from({ length: shares[kind] }, () => kind));
  const idle: HttpConnection[][] = ports.map(() => []);
  const open = new Set<HttpConnection>();
  let [calls, requests, underWay, pauseMs, stopped] = [0, 0, 0, 0, false];

  const call = async (
    connection: HttpConnection,
    kind: CallKind,
    token: ArrangedToken,
    node: number,
  ): Promise<string> => {
    requests += 1;
    const request = requests;
    underWay += 1;
    const answer = await connection.send(callRequest(kind, token, chance, request), callPatienceMs);
    underWay -= 1;
    const { sentAt, endedAt, outcome } = answer;
    if (outcome !== "lost") calls += 1;
    history.add({
      kind,
      node,
      token: token.number,
      sentAt,
      endedAt,
      outcome,
      ...(kind === "transfer" ? { request } : {}),
    });
    return outcome;
  };
  const connectionTo = (node: number): HttpConnection => {
    const connection = openConnection(ports[node] as number);
    open.add(connection);
    return connection;
  };
  const client = async (node: number): Promise<void> => {
    const connection = connectionTo(node);
    while (!stopped) {
      const token =
        revoked.length > 0 && chance.fraction() < withRevoked ? chance.pick(revoked) : chance.pick(active);
      const outcome = await call(connection, chance.pick(kindBag), token, node);
      // A node that cannot answer says so at once. Asking it again without a pause would only add to the count.
      const unhurriedMs = pauseMs * 2 * chance.fraction();
      const restMs = outcome === "lost" || outcome.startsWith("5") ? Math.max(unhurriedMs, 25) : unhurriedMs;
      if (restMs > 0) await sleep(restMs);
    }
  };
  const probe = async (token: ArrangedToken, node: number, kind: CallKind): Promise<void> => {
    if (stopped) return;
    const free = idle[node] as HttpConnection[];
    const connection = free.pop() ?? connectionTo(node);
    await call(connection, kind, token, node);
    free.push(connection);
  };
  const clients = ports.flatMap((_port, node) => Array.from({ length: clientsEach }, () => client(node)));

  return {
    calls: () => calls,
    setPause(milliseconds) {
      pauseMs = milliseconds;
    },
    takeWarm() {
      const next = take();
      if (!next) return undefined;
      const [token] = active.splice(chance.below(active.length), 1, next);
      return token;
    },
    takeCold: take,
    noteRevoked(token) {
      revoked.push(token);
      if (revoked.length > revokedRemembered) revoked.shift();
    },
    probeAll(token) {
      for (const node of ports.keys()) for (const kind of kinds) void probe(token, node, kind);
    },
    probeWhile(token, isGoingOn) {
      const probing = async (node: number): Promise<void> => {
        // One at a time, since they would pile up at a frozen node.
        for (; isGoingOn() && !stopped; await sleep(probeEveryMs)) await probe(token, node, "check");
      };
      for (const node of ports.keys()) void probing(node);
    },
    probe(token, node) {
      for (const kind of kinds) if (kind !== "transfer") void probe(token, node, kind);
    },
    pickValid: () => chance.pick(active),
    async stop() {
      stopped = true;
      const deadline = now() + stopPatienceMs;
      while (underWay > 0 && now() < deadline) await sleep(20);
      for (const connection of open) connection.close();
      await Promise.all(clients);
    },
  };
}
