import { describe, expect, it } from "vitest";
import { KycDetails } from "./account-holders.ts";

/** The time as ISO 8601 in UTC; undefined if it is refused. */
const read = (updateTime: unknown): string | undefined => {
  const parsed = KycDetails.safeParse({ updateTime });
  return parsed.success ? parsed.data.updateTime?.toISOString() : undefined;
};

describe("an instant of the KYC details", () => {
  it.each([
    ["2021-08-26T15:11:05.000+05:30", "2021-08-26T09:41:05.000Z"],
    ["2021-08-26T15:11:05Z", "2021-08-26T15:11:05.000Z"],
    ["2021-08-26T15:11:05.123456Z", "2021-08-26T15:11:05.123Z"],
    ["2001-04-22T00:00+05:30", "2001-04-21T18:30:00.000Z"],
    ["2001-04-22T00:00-0800", "2001-04-22T08:00:00.000Z"],
    ["2001-04-22T00:00+05", "2001-04-21T19:00:00.000Z"],
    ["2024-02-29T23:59:59z", "2024-02-29T23:59:59.000Z"],
    ["2024-02-29 10:00:00Z", "2024-02-29T10:00:00.000Z"],
  ])("%s is %s", (written, instant) => {
    expect(read(written)).toBe(instant);
  });

  it("is Indian Standard Time where it names no zone, wherever the server stands", () => {
    expect(read("2021-08-26T15:11:05")).toBe("2021-08-26T09:41:05.000Z");
    expect(read("2021-08-26T15:11:05.5")).toBe("2021-08-26T09:41:05.500Z");
    // What some databases write for no date.
    expect(read("1900-01-01T00:00:00")).toBe("1899-12-31T18:30:00.000Z");
  });

  it.each([
    "1",
    "2021",
    "2021-08",
    "2021-08-26",
    "Jan 6, 2020 7:41:05 AM",
    "26/08/2021",
    "2021-02-30T00:00:00Z",
    "2023-02-29T00:00:00Z",
    "2021-13-01T00:00:00Z",
    "2021-00-10T00:00:00Z",
    "2021-08-26T24:00:00Z",
    "2021-08-26T10:60:00Z",
    "2021-08-26T10:00:60Z",
    "2021-08-26T10Z",
    "2021-08-26T10:00:00+24:00",
    "2021-08-26T10:00:00+05:60",
    "2021-08-26T10:00:00 IST",
    "1899-12-31T00:00:00Z",
    "+12021-08-26T10:00:00Z",
    1_629_969_065_000,
  ])("%s is none", (written) => {
    expect(read(written)).toBeUndefined();
    expect(KycDetails.safeParse({ expiryTime: written }).success).toBe(false);
  });
});
