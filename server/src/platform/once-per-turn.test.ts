import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it } from "vitest";
import { oncePerTurn } from "./once-per-turn.ts";

it("runs once for all that ask in a turn, after them, and again when it is asked by the work itself", async () => {
  const runs: string[] = [];
  let asked: string[] = [];
  const soon = oncePerTurn(() => {
    runs.push(asked.join("+"));
    asked = [];
    if (runs.length === 1) ask("c");
  });
  const ask = (who: string): void => {
    asked.push(who);
    soon();
  };
  ask("a");
  ask("b");
  expect(runs).toEqual([]);
  await nextTurn();
  expect(runs).toEqual(["a+b"]);
  await nextTurn();
  expect(runs).toEqual(["a+b", "c"]);
  await nextTurn();
  expect(runs).toHaveLength(2);
});
