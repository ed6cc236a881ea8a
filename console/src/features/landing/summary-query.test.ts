import { TokenManagementSummary } from "@fusion/contract/applications.ts";
import { expect, test } from "vitest";
import { Summary } from "./summary-query.ts";

test("the counts of a process of the version before are shown, though the contract asks for more", () => {
  const before = {
    active: 1,
    expiringWithin15Days: 1,
    unusedFor90Days: 0,
    nextToExpire: {
      tokenId: "tok_4fTz",
      name: "Nightly job",
      applicationId: "app_4fTz",
      applicationName: "Payouts",
      createdAt: "2026-11-01T05:30:00.000Z",
      expiresAt: "2026-12-01T05:30:00.000Z",
      lastUsedAt: null,
      canManage: true,
    },
  };
  expect(Summary.parse(before)).toEqual({ ...before, nextToExpire: null, lastExpired: null });
  const now = { ...before, nextToExpire: { ...before.nextToExpire, environment: "live" }, lastExpired: null };
  expect(Summary.parse(now)).toEqual(now);
  expect(TokenManagementSummary.safeParse(before).success).toBe(false);
});
