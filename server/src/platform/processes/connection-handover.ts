import type { Socket } from "node:net";

/** Hands connections to worker processes, one at a time to each, so that a busy worker gets no more than it can take. */
export interface ConnectionHandover<Worker> {
  /** Hands a connection, from which nothing was read, to that free worker that has the fewest. */
  hand(connection: Socket): void;
  /** Looks again: some worker may have become free. */
  look(): void;
  /** The worker now has its own copy of the connection. */
  noteTaken(worker: Worker, id: number): void;
  /** A connection that the worker had has ended. */
  noteClosed(worker: Worker): void;
  /** The worker has answered the question with this id. */
  noteAnswer(worker: Worker, id: number): void;
  /** The worker has ended and no longer serves. A connection that it had not taken goes to another. */
  noteEnd(worker: Worker): void;
  /** Forgets the connections that did not reach the worker. */
  forgive(worker: Worker): void;
  /** Closes the connections that still wait for a worker. */
  close(): void;
}

/** The state of a worker as the handover sees it. */
interface Hand {
  /** The connection that is on its way to it. */
  onItsWay: { readonly id: number; readonly connection: Socket; readonly late: NodeJS.Timeout } | undefined;
  /** How many connections in a row did not reach it. */
  missed: number;
  /** Its connections, including the one on its way. */
  connections: number;
}

/** A worker that this many connections in a row did not reach gets no more of them. */
const missedMax = 3;
/** How many connections may wait while no worker serves; more are refused. */
const waitingMax = 1_024;

export function createConnectionHandover<Worker extends { readonly place: number }>({
  places,
  serving,
  nextId,
  send,
  askWhetherAlive,
  onUnreachable,
  takenSoonMs,
}: {
  /** How many places for workers there are, numbered from 1. */
  readonly places: number;
  /** The workers that can be given connections now. */
  readonly serving: () => readonly Worker[];
  /** Yields a greater number each time, for everything that is sent to a worker. */
  readonly nextId: () => number;
  readonly send: (worker: Worker, id: number, connection: Socket) => void;
  readonly askWhetherAlive: (worker: Worker) => void;
  /** Called when several connections in a row did not reach the worker, though it answers; it gets no more until it is forgiven. */
  readonly onUnreachable: (worker: Worker) => void;
  /** If a worker has not taken its connection by then, it is asked whether it is alive. */
  readonly takenSoonMs: number;
}): ConnectionHandover<Worker> {
  const waiting: Socket[] = [];
  const hands = new WeakMap<Worker, Hand>();
  let lastPlace = 0;

  const handOf = (worker: Worker): Hand => {
    let hand = hands.get(worker);
    if (!hand) {
      hand = { onItsWay: undefined, missed: 0, connections: 0 };
      hands.set(worker, hand);
    }
    return hand;
  };
  const turn = (place: number): number => (place - lastPlace - 1 + places) % places;

  /** `last` gets a connection only if no other worker is free. */
  const handOver = (last?: Worker): void => {
    while (waiting.length > 0) {
      const free = serving()
        .map((worker) => ({ worker, hand: handOf(worker) }))
        .filter(({ hand }) => !hand.onItsWay && hand.missed < missedMax);
      // The one with the fewest connections comes first, so that a replaced worker soon has its share; among equals, they take turns.
      const next = free.toSorted(
        (a, b) =>
          Number(a.worker === last) - Number(b.worker === last) ||
          a.hand.connections - b.hand.connections ||
          turn(a.worker.place) - turn(b.worker.place),
      )[0];
      const connection = next && waiting.shift();
      if (!connection) return;
      const { worker, hand } = next;
      lastPlace = worker.place;
      const id = nextId();
      hand.onItsWay = { id, connection, late: setTimeout(() => askWhetherAlive(worker), takenSoonMs) };
      hand.connections += 1;
      // Our copy stays open until the worker confirms its own: if it dies before, another worker gets the connection.
      send(worker, id, connection);
    }
  };

  /** A connection that the worker had not taken goes to another one: nothing was read from it. */
  const giveBack = (worker: Worker): void => {
    const hand = handOf(worker);
    if (!hand.onItsWay) return;
    clearTimeout(hand.onItsWay.late);
    waiting.unshift(hand.onItsWay.connection);
    hand.onItsWay = undefined;
    handOver(worker);
  };

  return {
    hand(connection) {
      connection.on("error", () => undefined); // The worker gets the error too.
      if (waiting.length >= waitingMax) return void connection.destroy();
      waiting.push(connection);
      handOver();
    },
    look: () => handOver(),
    noteTaken(worker, id) {
      const hand = handOf(worker);
      if (hand.onItsWay?.id !== id) return;
      clearTimeout(hand.onItsWay.late);
      // Our own copy; the connection lives on in the worker.
      hand.onItsWay.connection.destroy();
      hand.onItsWay = undefined;
      hand.missed = 0;
      handOver();
    },
    noteClosed(worker) {
      handOf(worker).connections -= 1;
    },
    noteAnswer(worker, id) {
      const hand = handOf(worker);
      // The worker was asked after the connection was sent, and has answered without taking it: it did not reach the worker, which Node
      // reports to nobody. That happens in a process that may open no more files. A worker that is only slow has not answered yet, and may
      // still take it.
      if (!hand.onItsWay || hand.onItsWay.id >= id) return;
      hand.connections -= 1;
      hand.missed += 1;
      if (hand.missed >= missedMax) onUnreachable(worker);
      giveBack(worker);
    },
    noteEnd: giveBack,
    forgive(worker) {
      handOf(worker).missed = 0;
      handOver();
    },
    close() {
      for (const connection of waiting.splice(0)) connection.destroy();
    },
  };
}
