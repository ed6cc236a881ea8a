import { describe, expect, it } from "vitest";
import { manualClock } from "../platform/clock.ts";
import type { FintechId, IfiId, SessionId, UserId } from "../platform/ids.ts";
import type { UserPrincipal } from "./principal.ts";
import { requireRecentPresence } from "./recent-presence.ts";
import { canManagePeopleOf, isOperator, requireManagerOf, requireOperatorAdmin } from "./roles.ts";

const own = { ifiId: "1" as IfiId, fintechId: "a" as FintechId };
const other = { ifiId: "1" as IfiId, fintechId: "b" as FintechId };
function person(role: UserPrincipal["role"], fintech: UserPrincipal["fintech"]): UserPrincipal {
  return {
    kind: "user",
    userId: "usr_1" as UserId,
    name: "Asha",
    role,
    fintech,
    sessionId: "ses_1" as SessionId,
    steppedUpAt: new Date("2026-11-24T10:00:00Z"),
  };
}
const commandLine = { kind: "cli", account: "root" } as const;

describe("managing people", () => {
  it("is for the fintech's own admin, operator admins and the command line", () => {
    expect(canManagePeopleOf(person("fintech_admin", own), own)).toBe(true);
    expect(canManagePeopleOf(person("operator_admin", null), own)).toBe(true);
    expect(canManagePeopleOf(commandLine, null)).toBe(true);
  });
  it("is not for members, viewers, or another fintech's admin", () => {
    expect(canManagePeopleOf(person("fintech_member", own), own)).toBe(false);
    expect(canManagePeopleOf(person("operator_viewer", null), own)).toBe(false);
    expect(canManagePeopleOf(person("fintech_admin", own), other)).toBe(false);
    expect(canManagePeopleOf(person("fintech_admin", own), { ...own, ifiId: "2" as IfiId })).toBe(false);
    expect(canManagePeopleOf(person("fintech_admin", own), null)).toBe(false);
    expect(() => requireManagerOf(person("fintech_admin", own), own)).not.toThrow();
    expect(() => requireManagerOf(person("fintech_admin", own), other)).toThrow(
      expect.objectContaining({ code: "role_insufficient" }),
    );
  });
});

describe("operators", () => {
  it("may look with either role and change things only as admins", () => {
    expect(isOperator(person("operator_viewer", null))).toBe(true);
    expect(() => requireOperatorAdmin(person("operator_viewer", null))).toThrow(/operator admin/);
    expect(() => requireOperatorAdmin(person("fintech_admin", own))).toThrow(/operator admin/);
    expect(requireOperatorAdmin(commandLine)).toBeUndefined();
  });
});

describe("presence", () => {
  it("counts for five minutes after the last one-time code and not a moment longer", () => {
    const clock = manualClock("2026-11-24T10:04:59.999Z");
    expect(requireRecentPresence(person("fintech_admin", own), clock)).toBeUndefined();
    clock.advanceMs(1);
    expect(() => requireRecentPresence(person("fintech_admin", own), clock)).toThrow(/one-time code/);
  });
});
