// Loaded into a node before anything else (`node --import`). Delays the answer to looking a token up by its hash by up to
// FUSION_TEST_FILL_DELAY_MS milliseconds, as if the process were held up between asking the database and remembering the answer. A seam of
// the test: nothing in the product knows of it.
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { fillStatement } from "./fill-statement.ts";

const delayMs = Number(process.env.FUSION_TEST_FILL_DELAY_MS ?? "0");
const query = pg.Client.prototype.query as (...values: unknown[]) => unknown;

pg.Client.prototype.query = function delayed(this: pg.Client, ...values: unknown[]) {
  const answer = query.apply(this, values);
  const [asked] = values;
  const text = typeof asked === "string" ? asked : ((asked as { text?: unknown } | undefined)?.text ?? "");
  if (!(answer instanceof Promise) || !String(text).includes(fillStatement)) return answer;
  return answer.finally(() => sleep(Math.random() * delayMs));
} as typeof pg.Client.prototype.query;
