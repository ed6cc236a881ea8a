/**
 * Writes rows that are independent of each other, all at once if the database accepts them. If it refuses them for good, each half is
 * written separately, and so on, in order, down to the single rows that it will never accept. Each of those is passed to `leaveOut`, and
 * holds up no other. Any other failure is thrown.
 */
export async function writeInHalves<Row>(
  rows: readonly Row[],
  write: (some: readonly Row[]) => Promise<unknown>,
  leaveOut: (row: Row, error: unknown) => void,
): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  try {
    await write(rows);
  } catch (error) {
    if (!isRefusedForGood(error)) throw error;
    if (rows.length === 1) return leaveOut(first, error);
    const middle = rows.length >> 1;
    await writeInHalves(rows.slice(0, middle), write, leaveOut);
    await writeInHalves(rows.slice(middle), write, leaveOut);
  }
}

/**
 * Whether the error means that the database will never accept a row, for example because its token was lost in a failover. A retry would
 * hold up everything behind it. Classes 22, data that fits nowhere, and 23, constraints; any other failure may pass.
 */
export function isRefusedForGood(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === "string" && /^2[23]\w{3}$/.test(code);
}
