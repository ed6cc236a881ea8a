import type { Socket } from "node:net";

/** Gives connections to worker processes, one at a time to each, so that a busy one gets no more of them than it can take. */
export interface ConnectionHandover<Worker> {
  /** Hands a connection, from which nothing was read, to the worker with the fewest of those that are free to take one. */
  hand(connection: Socket): void;
  /** Some worker may have become free. */
  look(): void;
  /** The worker has its own copy of the connection. */
  noteTaken(worker: Worker, id: number): void;
  /** A connection that the worker had has ended. */
  noteClosed(worker: Worker): void;
  /** The worker has answered what it was asked under this id. */
  noteAnswer(worker: Worker, id: number): void;
  /** The worker has ended, and is not serving any more. What it had not taken goes to another. */
  noteEnd(worker: Worker): void;
  /** Connections that did not reach the worker no longer count. */
  forgive(worker: Worker): void;
  /** Ends the connections that nobody has taken. */
  close(): void;
}

/** What the handover knows of a worker. */
interface Hand {
  /** A connection on its way to it. */
  onItsWay: { readonly id: number; readonly connection: Socket; readonly late: NodeJS.Timeout } | undefined;
  /** Connections in a row that did not reach it. */
  missed: number;
  /** Its connections, with the one on its way. */
  connections: number;
}

/** A worker that so many connections in a row did not reach gets no more of them. */
const missedMax = 3;
/** Connections that wait while no worker serves; beyond it they are refused. */
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
  /** How many places workers have, numbered from 1. */
  readonly places: number;
  /** The workers that can be given connections now. */
  readonly serving: () => readonly Worker[];
  /** Greater each time, over all that a worker is sent. */
  readonly nextId: () => number;
  readonly send: (worker: Worker, id: number, connection: Socket) => void;
  readonly askWhetherAlive: (worker: Worker) => void;
  /** Several connections in a row did not reach the worker, though it answers; it gets no more until it is forgiven. */
  readonly onUnreachable: (worker: Worker) => void;
  /** A connection that its worker has not taken by then is asked after. */
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

  /** `last`: to this one only where no other is free. */
  const handOver = (last?: Worker): void => {
    while (waiting.length > 0) {
      const free = serving()
        .map((worker) => ({ worker, hand: handOf(worker) }))
        .filter(({ hand }) => !hand.onItsWay && hand.missed < missedMax);
      // To the one with the fewest, so that one that was replaced soon has its share; else in turn.
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
      // Our copy stays open until the worker says that it has its own: if it dies before, another one gets the connection.
      send(worker, id, connection);
    }
  };

  /** A connection that it had not taken goes to another worker: nothing was read from it. */
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
      connection.on("error", () => undefined); // The worker meets it too.
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
      // Asked after the connection was sent, and answered before it was taken: it did not reach the worker, which Node tells nobody. So it is with a
      // process that may open no more files. One that is only slow has answered nothing yet, and may still take its.
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
