interface Request {
  readonly askedAt: number;
  readonly knownAt: number;
  readonly transfer: { readonly requestId: string };
}

interface State {
  readonly request: Request;
  /** After the posting. */
  readonly balance: number;
}

/** The states of an account, one for each posting, and which of them a call can have seen. */
export class AccountTimeline {
  readonly accountId: string;
  readonly #opening: { readonly openingBalance: number; readonly openingPostings: number };
  readonly #states: State[] = [];
  #ordered: { known: Moment[]; asked: Moment[] } | undefined;

  constructor(account: { accountId: string; openingBalance: number; openingPostings: number }) {
    this.accountId = account.accountId;
    this.#opening = account;
  }

  /** Returns false when the posting is not the next one. */
  add(sequence: number, amount: number, request: Request): boolean {
    if (sequence !== this.#opening.openingPostings + this.#states.length + 1) return false;
    this.#states.push({ request, balance: this.balance() + amount });
    return true;
  }

  at(place: number): State | undefined {
    return this.#states[place];
  }

  balance(): number {
    return this.#states.at(-1)?.balance ?? this.#opening.openingBalance;
  }

  /** Impossible balances, and transfers that came before one that was already known when they were requested. */
  faults(): string[] {
    return this.#states.flatMap(({ request, balance }, at) => [
      ...(balance < 0 ? [`${this.accountId} went down to ${balance}`] : []),
      ...(this.#first(request.askedAt) > at
        ? [`transfer ${request.transfer.requestId} came before one that was over when it was asked for`]
        : []),
    ]);
  }

  /** The lowest and highest balance that a call between the two moments can have seen. */
  between(startedAt: number, endedAt: number): { lowest: number; highest: number } {
    const { asked } = this.#moments();
    let [lowest, highest] = [Infinity, -Infinity];
    const last = asked[countBefore(asked, endedAt, momentOf)]?.place ?? this.#states.length;
    for (let place = this.#first(startedAt); place <= last; place += 1) {
      const balance = place === 0 ? this.#opening.openingBalance : (this.#states[place - 1]?.balance ?? 0);
      [lowest, highest] = [Math.min(lowest, balance), Math.max(highest, balance)];
    }
    return { lowest, highest };
  }

  /** The least number of postings that a call must see if it began at this moment. */
  #first(startedAt: number): number {
    const { known } = this.#moments();
    return (known[countBefore(known, startedAt, momentOf) - 1]?.place ?? -1) + 1;
  }

  /** Sorted by moment. `known` holds the highest place known by then; `asked` the lowest place requested from then on. */
  #moments(): { known: Moment[]; asked: Moment[] } {
    if (this.#ordered) return this.#ordered;
    const moments = (of: (request: Request) => number): Moment[] =>
      this.#states
        .map(({ request }, place) => ({ moment: of(request), place }))
        // Compared, not subtracted: two that are never known are both at Infinity, and their difference is not a number.
        .sort((left, right) => (left.moment < right.moment ? -1 : Number(left.moment > right.moment)));
    const known = moments(({ knownAt }) => knownAt);
    const asked = moments(({ askedAt }) => askedAt);
    for (const [at, one] of known.entries()) one.place = Math.max(one.place, known[at - 1]?.place ?? 0);
    for (let at = asked.length - 2; at >= 0; at -= 1) {
      const [one, next] = [asked[at] as Moment, asked[at + 1] as Moment];
      one.place = Math.min(one.place, next.place);
    }
    this.#ordered = { known, asked };
    return this.#ordered;
  }
}

interface Moment {
  readonly moment: number;
  place: number;
}

const momentOf = ({ moment }: Moment): number => moment;

/** How many of these things, ordered by their moments, come before this moment. */
export function countBefore<Thing>(
  things: readonly Thing[],
  moment: number,
  of: (thing: Thing) => number,
): number {
  let [from, to] = [0, things.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (of(things[middle] as Thing) < moment) from = middle + 1;
    else to = middle;
  }
  return from;
}
