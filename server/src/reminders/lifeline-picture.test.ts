import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { lifelinePicture, mailColours } from "./lifeline-picture.ts";

const timeZone = "Asia/Kolkata";
const now = new Date("2027-11-20T03:30:00Z");
const year = {
  createdAt: new Date("2027-03-03T05:30:00Z"),
  expiresAt: new Date("2027-11-23T05:30:00Z"),
  replacementCreatedAt: null,
  revocationAt: null,
};
const names = new Map(Object.entries(mailColours).map(([name, colour]) => [colour, name]));
/** The cells of each row: which colour, in words. */
function rowsOf(picture: string): string[][] {
  return [...picture.matchAll(/<tr height.*?<\/tr>/g)].map(([row]) =>
    [...row.matchAll(/<td(?: bgcolor="(#\w+)")?/g)].map(([, colour]) => names.get(colour ?? "") ?? "none"),
  );
}
const times = (count: number, cell: string): string[] => Array.from({ length: count }, () => cell);

describe("the lifeline in a mail", () => {
  it("fills the time before the last 15 days and each local day lived of them, and lets today stand out", () => {
    expect(rowsOf(lifelinePicture(year, { now, timeZone }))).toEqual([
      [...times(13, "urgent"), "ink", ...times(3, "toCome")],
    ]);
    // At 23:45 UTC it is already the next day in India.
    const evening = new Date("2027-11-19T23:45:00Z");
    expect(rowsOf(lifelinePicture(year, { now: evening, timeZone: "UTC" }))[0]?.indexOf("ink")).toBe(12);
    expect(rowsOf(lifelinePicture(year, { now: evening, timeZone }))[0]?.indexOf("ink")).toBe(13);
  });

  it("begins a token's line at its first day, and the replacement's beneath it at its own", () => {
    const replaced = {
      ...year,
      createdAt: new Date("2027-11-14T05:30:00Z"),
      replacementCreatedAt: new Date("2027-11-19T05:30:00Z"),
    };
    expect(rowsOf(lifelinePicture(replaced, { now, timeZone }))).toEqual([
      [...times(7, "none"), ...times(6, "urgent"), "ink", ...times(3, "toCome")],
      [...times(12, "none"), "good", "ink", ...times(3, "toCome")],
    ]);
  });

  it("is whole, and without a today, when the token has ended, be it this morning", () => {
    for (const ended of [new Date("2027-11-23T05:30:00Z"), new Date("2027-11-30T05:30:00Z")])
      expect(rowsOf(lifelinePicture(year, { now: ended, timeZone }))).toEqual([times(17, "ended")]);
  });

  it("says in a sentence what it shows", () => {
    const label = (picture: string) => /aria-label="([^"]*)"/.exec(picture)?.[1];
    expect(label(lifelinePicture(year, { now, timeZone }))).toBe(
      "Generated Wed 3 Mar 2027. Expires Tue 23 Nov 2027.",
    );
    expect(
      label(
        lifelinePicture(
          { ...year, replacementCreatedAt: new Date("2027-11-14T05:30:00Z") },
          { now, timeZone },
        ),
      ),
    ).toBe(
      "Generated Wed 3 Mar 2027. Expires Tue 23 Nov 2027. Its replacement was generated Sun 14 Nov 2027.",
    );
  });

  it("has the console's colours", () => {
    const theme = readFileSync(new URL("../../../console/src/ui/theme.ts", import.meta.url), "utf8");
    for (const [name, colour] of Object.entries(mailColours)) expect(theme, name).toContain(`"${colour}"`);
  });
});
