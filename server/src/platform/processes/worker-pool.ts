import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../log.ts";
import { createConnectionHandover } from "./connection-handover.ts";
import type { FromWorker, LeaveReason, ToWorker } from "./pool-messages.ts";
import { createRestartPauses } from "./restart-pauses.ts";
import { WorkerUnable } from "./worker-unable.ts";

export interface WorkerPoolOptions {
  readonly count: number;
  /** Starts the process for a place in the pool (1 to `count`), with a channel for messages. */
  readonly fork: (place: number) => ChildProcess;
  readonly log: Log;
  /** Called when a worker has ended without having been told to. */
  readonly onDeath?: () => void;
  /** Called when a worker has not ended in order, with the names under which it held jobs, if any. */
  readonly onJobsLeft?: (holders: readonly string[]) => void;
  /** How long a worker that was told to leave may take before it is killed, counted from the end of the announcement. */
  readonly leaveDeadlineMs: number;
  readonly startDeadlineMs?: number;
  /** The pause between two questions to each worker whether it is alive. */
  readonly askEveryMs?: number;
  /** If a worker has not taken its connection by then, it is asked whether it is alive. */
  readonly takenSoonMs?: number;
}

/** Worker processes that serve connections which this process accepts. */
export interface WorkerPool {
  /** Resolves when all serve; rejects with {@link WorkerUnable} when one cannot start. */
  start(): Promise<void>;
  /** Hands a connection, from which nothing was read, to that free worker that has the fewest. */
  hand(connection: Socket): void;
  /**
   * Replaces the workers one after another: the new one serves before the old one leaves. Resolves when done, or when a new one could not
   * start: then the rest go on as they are, and the log says why. The result says whether all were replaced.
   */
  replaceAll(): Promise<boolean>;
  /** The figures of each serving worker; silent workers are left out. */
  figures(): Promise<readonly string[]>;
  /** How many serve, start and leave. */
  counts(): { readonly serving: number; readonly starting: number; readonly leaving: number };
  /** Rejects when no worker is left and none can be started. */
  readonly lost: Promise<never>;
  /**
   * Ends all in order: tells them at once, and hands them connections for `announcedForMs` longer, which they still answer. A second call
   * waits for the same end.
   */
  stop(options: { readonly announcedForMs: number }): Promise<void>;
  /** Ends all at once. */
  kill(): void;
}

interface Worker {
  readonly place: number;
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
  state: "starting" | "serving" | "leaving";
  /** Another worker is being started in its place. */
  beingReplaced: boolean;
  jobHolders: readonly string[];
  unable: string | undefined;
  /** Questions in a row that it has not answered. */
  unanswered: number;
  readonly asked: Map<number, (text: string) => void>;
}

/** After this many failed starts in a row, with no other worker serving, the pool gives up. */
const failedStartsMax = 5;
const figuresDeadlineMs = 2_000;
/** A worker that leaves this many questions unanswered hangs: its callers wait for nothing. */
const unansweredMax = 3;

/**
 * This process accepts connections and hands them over. Workers that accept from a shared socket would get uneven shares; `node:cluster`
 * loses a connection that is on its way to a worker when it dies (docs/decisions/0012-processes.md has the figures).
 */
export function createWorkerPool({
  count,
  fork,
  log,
  onDeath,
  onJobsLeft,
  leaveDeadlineMs,
  startDeadlineMs = 60_000,
  askEveryMs = 10_000,
  takenSoonMs = 1_000,
}: WorkerPoolOptions): WorkerPool {
  const workers = new Set<Worker>();
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => undefined); // A caller that awaits it still gets the error.
  const stopping = new AbortController();
  let lastId = 0;
  const nextId = (): number => {
    lastId += 1;
    return lastId;
  };
  const pauses = createRestartPauses();
  let ending: Promise<void> | undefined;
  let replacing: Promise<boolean> | undefined;

  /** Resolves when the worker serves. */
  const launch = async (place: number): Promise<Worker> => {
    const child = fork(place);
    const worker: Worker = {
      place,
      child,
      exited: untilEnded(child),
      state: "starting",
      beingReplaced: false,
      jobHolders: [],
      unable: undefined,
      unanswered: 0,
      asked: new Map(),
    };
    workers.add(worker);
    const serves = Promise.withResolvers<void>();
    child.on("error", (error) => serves.reject(error));
    child.on("message", (message: FromWorker) => {
      if (message.kind === "ready") serves.resolve();
      else hear(worker, message);
    });
    void worker.exited.then(() => {
      workers.delete(worker);
      handover.noteEnd(worker);
      if (child.exitCode !== 0 && worker.jobHolders.length > 0) onJobsLeft?.(worker.jobHolders);
      serves.reject(new WorkerUnable(worker.unable ?? `A worker ended while it started (${endOf(child)}).`));
    });
    const tooLate = setTimeout(() => {
      worker.unable = `A worker did not start within ${startDeadlineMs / 1_000} seconds.`;
      child.kill("SIGKILL");
    }, startDeadlineMs);
    try {
      await serves.promise;
    } finally {
      clearTimeout(tooLate);
    }
    if (worker.state === "starting") worker.state = "serving";
    watch(worker);
    void worker.exited.then(() => {
      if (worker.state !== "serving" || stopping.signal.aborted) return;
      mourn(worker);
      if (!worker.beingReplaced) void startAgain(place);
    });
    handover.look();
    return worker;
  };

  const hear = (worker: Worker, message: Exclude<FromWorker, { kind: "ready" }>): void => {
    switch (message.kind) {
      case "unable":
        worker.unable = message.sentence;
        return;
      case "taken":
        handover.noteTaken(worker, message.id);
        return;
      case "closed":
        handover.noteClosed(worker);
        return;
      case "figures":
        worker.asked.get(message.id)?.(message.text);
        return;
      case "alive":
        worker.unanswered = 0;
        handover.noteAnswer(worker, message.id);
        return;
      case "holds-jobs-as":
        worker.jobHolders = message.names;
        return;
      default:
        message satisfies never;
    }
  };

  /** Counts questions, not time: when this process itself was stopped for a while, no worker is to blame. */
  const watch = (worker: Worker): void => {
    const asking = setInterval(() => {
      if (worker.unanswered >= unansweredMax) {
        log.error(
          { part: "workers", place: worker.place, pid: worker.child.pid },
          "a worker does not answer any more; it is killed",
        );
        worker.child.kill("SIGKILL");
      }
      worker.unanswered += 1;
      askWhetherAlive(worker);
    }, askEveryMs);
    void worker.exited.then(() => clearInterval(asking));
  };

  const askWhetherAlive = (worker: Worker): void => tell(worker, { kind: "alive?", id: nextId() });

  const tell = (worker: Worker, message: ToWorker): void => {
    // A worker that has gone receives nothing; its end is noticed elsewhere.
    if (worker.child.connected) worker.child.send(message, () => undefined);
  };

  const handover = createConnectionHandover<Worker>({
    places: count,
    serving: () => [...workers].filter(({ state, child }) => state === "serving" && child.connected),
    nextId,
    send({ child }, id, connection) {
      child.send(
        { kind: "connection", id } satisfies ToWorker,
        connection,
        { keepOpen: true },
        () => undefined,
      );
    },
    askWhetherAlive,
    onUnreachable(worker) {
      if (worker.state !== "serving" || worker.beingReplaced) return;
      log.error(
        { part: "workers", place: worker.place, pid: worker.child.pid },
        "connections do not reach a worker, which may be out of files; another is started in its place",
      );
      void replace(worker);
    },
    takenSoonMs,
  });

  /** Called when a worker died without having been told to leave. */
  const mourn = ({ place, child }: Worker): void => {
    log.error(
      { part: "workers", place, pid: child.pid, end: endOf(child) },
      "a worker ended; another is started in its place",
    );
    onDeath?.();
    pauses.noteTrouble(place);
  };
  const startAgain = async (place: number): Promise<void> => {
    for (let failures = 0; !stopping.signal.aborted; ) {
      await sleep(pauses.before(place), undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      try {
        await launch(place);
        return;
      } catch (error) {
        if (stopping.signal.aborted) return;
        failures += 1;
        pauses.noteTrouble(place);
        log.error(
          { part: "workers", place, reason: (error as Error).message },
          "a worker could not be started; it is tried again",
        );
        if (failures >= failedStartsMax && counts().serving === 0) lost.reject(error);
      }
    }
  };

  const leave = async (worker: Worker, reason: LeaveReason, announcedForMs = 0): Promise<void> => {
    tell(worker, { kind: "leave", reason });
    if (announcedForMs > 0) await Promise.race([sleep(announcedForMs), worker.exited]);
    worker.state = "leaving";
    const tooLate = setTimeout(() => {
      log.error(
        { part: "workers", place: worker.place, pid: worker.child.pid },
        "a worker did not end in time; it is killed",
      );
      worker.child.kill("SIGKILL");
    }, leaveDeadlineMs);
    await worker.exited;
    clearTimeout(tooLate);
  };

  const end = async ({ announcedForMs }: { readonly announcedForMs: number }): Promise<void> => {
    stopping.abort();
    await Promise.all([...workers].map((worker) => leave(worker, "stopping", announcedForMs)));
    handover.close();
  };

  /** Resolves when another worker serves in its place and it has left; false when none could be started. */
  const replace = async (worker: Worker): Promise<boolean> => {
    worker.beingReplaced = true;
    try {
      await launch(worker.place);
    } catch (error) {
      worker.beingReplaced = false;
      if (stopping.signal.aborted) return false;
      log.error(
        { part: "workers", reason: (error as Error).message },
        "a new worker could not be started; the old ones go on",
      );
      // It died meanwhile, and nothing else starts another.
      if (!workers.has(worker)) void startAgain(worker.place);
      handover.forgive(worker);
      return false;
    }
    await leave(worker, "replaced");
    return true;
  };

  const replaceEach = async (): Promise<boolean> => {
    const old = [...workers].filter(({ state }) => state === "serving").toSorted((a, b) => a.place - b.place);
    for (const worker of old) {
      // It died meanwhile, or is already being replaced: the worker started in its place is new.
      if (stopping.signal.aborted || worker.beingReplaced || !workers.has(worker)) continue;
      if (!(await replace(worker))) return false;
    }
    return !stopping.signal.aborted;
  };

  const counts: WorkerPool["counts"] = () => {
    const of = (state: Worker["state"]): number =>
      [...workers].filter((worker) => worker.state === state).length;
    return { serving: of("serving"), starting: of("starting"), leaving: of("leaving") };
  };

  return {
    async start() {
      await Promise.all(Array.from({ length: count }, (_, at) => launch(at + 1)));
    },
    hand: handover.hand,
    replaceAll() {
      replacing ??= replaceEach().finally(() => {
        replacing = undefined;
      });
      return replacing;
    },
    async figures() {
      const asked = [...workers].filter(({ state }) => state === "serving");
      const answers = await Promise.all(asked.map((worker) => askFigures(worker)));
      return answers.filter((answer) => answer !== undefined);
    },
    counts,
    lost: lost.promise,
    stop(options) {
      ending ??= end(options);
      return ending;
    },
    kill() {
      stopping.abort();
      for (const { child } of workers) child.kill("SIGKILL");
    },
  };

  async function askFigures(worker: Worker): Promise<string | undefined> {
    const id = nextId();
    const answer = new Promise<string>((resolve) => worker.asked.set(id, resolve));
    tell(worker, { kind: "figures", id });
    try {
      return await Promise.race([answer, sleep(figuresDeadlineMs, undefined, { ref: false })]);
    } finally {
      worker.asked.delete(id);
    }
  }
}

/** Also waits until all its messages are read, above all which connections it took. */
async function untilEnded(child: ChildProcess): Promise<void> {
  const silent = new Promise<void>((resolve) => child.once("disconnect", resolve));
  // A process that could not be started only emits an error.
  await once(child, "exit").catch(() => undefined);
  if (child.connected) await silent;
}

function endOf({ exitCode, signalCode }: ChildProcess): string {
  return signalCode ?? `code ${exitCode}`;
}
