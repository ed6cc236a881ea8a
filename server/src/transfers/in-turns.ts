/** The items in turns of their owners: the first of each owner, then the second of each, and so on. Each owner's own order stays. */
export function inTurns<Item>(items: readonly Item[], ownerOf: (item: Item) => string): Item[] {
  const rounds: Item[][] = [];
  const turnsOf = new Map<string, number>();
  for (const item of items) {
    const owner = ownerOf(item);
    const turn = turnsOf.get(owner) ?? 0;
    turnsOf.set(owner, turn + 1);
    const round = rounds[turn];
    if (round) round.push(item);
    else rounds.push([item]);
  }
  return rounds.flat();
}
