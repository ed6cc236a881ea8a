import type { Queryable } from "../platform/database/database.ts";
import { textOf } from "../platform/database/prepared.ts";

/** Runs statements as `tx` does, and counts the blocks of 8 KiB that PostgreSQL touched for the SELECTs. */
export function countingBlocks(tx: Queryable): Queryable & { blocks(): number } {
  let blocks = 0;
  return {
    blocks: () => blocks,
    async query(statement, values) {
      const text = textOf(statement);
      if (text.startsWith("SELECT")) {
        const [row] = await tx.query<{ "QUERY PLAN": { Plan: Record<string, number> }[] }>(
          `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`,
          values,
        );
        const plan = row?.["QUERY PLAN"][0]?.Plan ?? {};
        blocks += (plan["Shared Hit Blocks"] ?? 0) + (plan["Shared Read Blocks"] ?? 0);
      }
      return tx.query(statement, values);
    },
  };
}
