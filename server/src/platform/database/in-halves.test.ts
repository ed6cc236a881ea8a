import { expect, it } from "vitest";
import { writeInHalves } from "./in-halves.ts";

/** Writes rows together, unless one of them is refused. */
function arrangeTable(refused: Readonly<Record<number, string>>) {
  const written: number[] = [];
  const leftOut: number[] = [];
  return {
    written,
    leftOut,
    async write(rows: readonly number[]) {
      const code = rows.map((row) => refused[row]).find((each) => each !== undefined);
      if (code) throw Object.assign(new Error(code), { code });
      written.push(...rows);
    },
    leaveOut: (row: number) => void leftOut.push(row),
  };
}

it("a row that is refused for good is left out alone, and all others are written once, in order", async () => {
  const { written, leftOut, write, leaveOut } = arrangeTable({ 0: "23503", 5: "22021", 6: "23514" });
  await writeInHalves([0, 1, 2, 3, 4, 5, 6, 7, 8], write, leaveOut);
  expect([written, leftOut]).toEqual([
    [1, 2, 3, 4, 7, 8],
    [0, 5, 6],
  ]);
  await writeInHalves([], write, leaveOut);
});

it("a failure that may pass leaves nothing out", async () => {
  for (const code of ["25006", "53100", "53200", "40P01", "57014", "ECONNRESET"]) {
    const { leftOut, write, leaveOut } = arrangeTable({ 2: code });
    await expect(writeInHalves([1, 2, 3], write, leaveOut)).rejects.toThrow(code);
    expect(leftOut).toEqual([]);
  }
});
