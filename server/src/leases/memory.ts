import { type Subject, tokenSubject } from "./subject.ts";

// What a node knows of tokens. No I/O and no clock: `node.ts` says what to forget, and the caller makes sure that a lease holds.

/** What was read about a token, and as of which epoch. */
export interface Reading<Facts> {
  /** Undefined when there is no such token. */
  readonly facts: Facts | undefined;
  /** The epoch in the same snapshot of the database: the reading includes all narrowings up to it. */
  readonly epoch: number;
  /** The token's application and fintech, whose changes concern it. Empty for an unknown token. */
  readonly groups: readonly Subject[];
  /**
   * True for an unknown token, or one that is known but refused. Such readings are kept in a small place of their own, so that junk cannot
   * push out what is in use.
   */
  readonly refused: boolean;
  /** About how many bytes the facts take, on top of what every entry takes. */
  readonly bytes: number;
}

export interface Memory<Facts> {
  /** The reading kept for this hash; undefined when there is none. The caller must hold a lease. */
  find(hash: string): { readonly facts: Facts | undefined } | undefined;
  /**
   * Keeps a reading. Answers `superseded` when a later narrowing concerns it, or when it is too old to tell; the reading must not be used
   * then.
   */
  fill(hash: string, reading: Reading<Facts>): "kept" | "superseded";
  /** Forgets what these subjects concern, for good: `fill` no longer takes readings of it from before this epoch. */
  narrow(epoch: number, subjects: readonly Subject[]): void;
  /** Forgets everything, and takes no reading from before `epoch`: for a node that starts, or that has lost its row. */
  reset(epoch: number): void;
  /** How often everything was forgotten. What was read before a reset may come from a past that no longer exists. */
  readonly resets: number;
  /** `bytes` counts live tokens only. */
  readonly size: { readonly tokens: number; readonly refused: number; readonly bytes: number };
}

export interface MemoryLimits {
  /** What the entries of live tokens may take together. The least recently used go first. */
  readonly bytesMax: number;
  /** How many refused or unknown tokens are kept beside them. */
  readonly refusedMax?: number;
  /** How many narrowings are remembered; readings older than the oldest are not filled in. */
  readonly tombstonesMax?: number;
}

/** Shared by all entries of an application, or of a fintech: one mark makes them all stale. */
interface Group {
  readonly name: Subject;
  stale: boolean;
  members: number;
  /** The list of groups that the latest entry of this group was given. Entries with the same groups share it. */
  together: readonly Group[];
}

interface Entry<Facts> {
  readonly facts: Facts | undefined;
  readonly bytes: number;
  readonly groups: readonly Group[];
  /** Whether it was used since the hand of the clock algorithm last passed. */
  used: boolean;
}

/** Map entry, entry object and hash: what an entry takes without facts (`npm run bench:token-memory`). */
const entryBytes = 220;

export function createMemory<Facts>({
  bytesMax,
  refusedMax = 10_000,
  tombstonesMax = 10_000,
}: MemoryLimits): Memory<Facts> {
  const live = new Map<string, Entry<Facts>>();
  const refused = new Map<string, Entry<Facts>>();
  const groups = new Map<Subject, Group>();
  /** The latest narrowing of each subject, oldest first. */
  const tombstones = new Map<Subject, number>();
  /** Narrowings up to this epoch may have been forgotten. */
  let forgottenThrough = 0;
  /** Bytes of the live entries only: the others are few, and must not push them out. */
  let bytes = 0;
  let resets = 0;

  const remove = (hash: string, entry: Entry<Facts>, from: Map<string, Entry<Facts>>): void => {
    from.delete(hash);
    if (from === live) bytes -= entry.bytes;
    for (const group of entry.groups) {
      group.members -= 1;
      // A stale group has left the map, and another may stand under its name.
      if (group.members === 0 && !group.stale) groups.delete(group.name);
    }
  };
  const removeIfKnown = (hash: string, from: Map<string, Entry<Facts>>): void => {
    const entry = from.get(hash);
    if (entry) remove(hash, entry, from);
  };
  const findIn = (hash: string, from: Map<string, Entry<Facts>>): Entry<Facts> | undefined => {
    const entry = from.get(hash);
    if (!entry) return undefined;
    for (const group of entry.groups) {
      if (group.stale) {
        remove(hash, entry, from);
        return undefined;
      }
    }
    entry.used = true;
    return entry;
  };
  const join = (name: Subject): Group => {
    let group = groups.get(name);
    if (!group) {
      group = { name, stale: false, members: 0, together: [] };
      groups.set(name, group);
    }
    group.members += 1;
    return group;
  };
  const joinAll = (names: readonly Subject[]): readonly Group[] => {
    const joined = names.map(join);
    const [first] = joined;
    if (!first) return joined;
    const { together } = first;
    if (together.length !== joined.length || joined.some((group, at) => group !== together[at]))
      first.together = joined;
    return first.together;
  };
  const nextLive = goRound(live);
  const nextRefused = goRound(refused);
  const nextTombstone = goRound(tombstones);
  const makeRoom = (): void => {
    // The clock algorithm: a hand goes round the map, spares what was used since its last visit, and removes the rest.
    while (bytes > bytesMax && live.size > 0) {
      const [hash, entry] = nextLive();
      if (entry.used) entry.used = false;
      else remove(hash, entry, live);
    }
    while (refused.size > refusedMax) remove(...nextRefused(), refused);
  };
  const isSuperseded = (subject: Subject, epoch: number): boolean => (tombstones.get(subject) ?? 0) > epoch;

  return {
    find: (hash) => findIn(hash, live) ?? findIn(hash, refused),
    fill(hash, reading) {
      if (reading.epoch < forgottenThrough) return "superseded";
      const names = reading.groups;
      if (isSuperseded(tokenSubject(hash), reading.epoch)) return "superseded";
      if (names.some((name) => isSuperseded(name, reading.epoch))) return "superseded";
      removeIfKnown(hash, live);
      removeIfKnown(hash, refused);
      const entry: Entry<Facts> = {
        facts: reading.facts,
        bytes: entryBytes + reading.bytes,
        groups: joinAll(names),
        used: false,
      };
      (reading.refused ? refused : live).set(hash, entry);
      if (!reading.refused) bytes += entry.bytes;
      makeRoom();
      return "kept";
    },
    narrow(epoch, subjects) {
      for (const subject of subjects) {
        tombstones.delete(subject);
        tombstones.set(subject, epoch);
        if (subject.startsWith("token/")) {
          const hash = subject.slice("token/".length);
          removeIfKnown(hash, live);
          removeIfKnown(hash, refused);
          continue;
        }
        const group = groups.get(subject);
        if (!group) continue;
        group.stale = true;
        groups.delete(subject);
      }
      while (tombstones.size > tombstonesMax) {
        const [subject, forgotten] = nextTombstone();
        tombstones.delete(subject);
        forgottenThrough = forgotten;
      }
    },
    reset(epoch) {
      live.clear();
      refused.clear();
      groups.clear();
      tombstones.clear();
      bytes = 0;
      resets += 1;
      forgottenThrough = epoch;
    },
    get resets() {
      return resets;
    },
    get size() {
      return { tokens: live.size, refused: refused.size, bytes };
    },
  };
}

/**
 * Returns the map's entries in order, one a call, and begins again after the last. The map must not be empty. One iterator is kept, since
 * each new one would walk over everything deleted since the map was last rebuilt.
 */
function goRound<Key, Value>(map: Map<Key, Value>): () => [Key, Value] {
  let hand = map.entries();
  return () => {
    let next = hand.next();
    if (next.done) {
      hand = map.entries();
      next = hand.next();
    }
    return next.value as [Key, Value];
  };
}
