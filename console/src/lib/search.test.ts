import type { ApplicationSummary } from "@fusion/contract/applications.ts";
import { expect, test } from "vitest";
import { inOrder, matching, withoutTokens } from "./search.ts";

const application = (more: Partial<ApplicationSummary>): ApplicationSummary => ({
  applicationId: "app_4fTz",
  name: "Payouts",
  description: "",
  environment: "sandbox",
  fintechName: "Acme Pay",
  clientId: "acme-pay",
  activeTokens: 0,
  expiringTokens: 0,
  lastUsedAt: null,
  canManage: true,
  suspended: false,
  ...more,
});
const all = [
  application({}),
  application({ applicationId: "app_9kQa", name: "Collections", description: "Takes school fees" }),
  application({
    ...{ applicationId: "app_1bXe", name: "Payouts", environment: "live" },
    ...{ fintechName: "Pagaar", clientId: "client-pagaar" },
  }),
];
const found = (find: string): string[] => matching(all, find).map(({ applicationId }) => applicationId);

test("an application is found by any words of its name, description, fintech and client id, in any case", () => {
  expect(found("")).toHaveLength(3);
  expect(found("  payouts ")).toEqual(["app_4fTz", "app_1bXe"]);
  expect(found("PAGAAR pay")).toEqual(["app_1bXe"]);
  expect(found("client-pag")).toEqual(["app_1bXe"]);
  expect(found("school")).toEqual(["app_9kQa"]);
  expect(found("payouts school")).toEqual([]);
});

test("an application is found by its id from the beginning", () => {
  expect(found("app_9kqa")).toEqual(["app_9kQa"]);
  expect(found("9kQa")).toEqual([]);
});

test("a token that is pasted into a search does not come into the address", () => {
  expect(withoutTokens("the fus_live_0123456789abcdefghijABCDEFGHIJ01aZ39 one")).toBe("the aZ39 one");
  expect(withoutTokens("payroll")).toBe("payroll");
});

test("live applications come before those of the sandbox, then the alphabet decides", () => {
  expect(inOrder(all).map(({ applicationId }) => applicationId)).toEqual([
    ...["app_1bXe", "app_9kQa", "app_4fTz"],
  ]);
});
