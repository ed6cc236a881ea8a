import type { TokenSummary } from "@fusion/contract/tokens.ts";
import { describe, expect, test } from "vitest";
import { callersListedWords } from "./caller-words.ts";
import { allHaveMoved, cutOverStateWords, verdictSentence } from "./cut-over-words.ts";
import { curlCommand, envFileName, envFileText } from "./env-file.ts";
import { pastOverlapSentence } from "./overlap-words.ts";
import { drawnReminders, plannedReminders } from "./planned-reminders.ts";
import { callWords } from "./refusals.ts";
import { isRenewable, renewable } from "./renewable.ts";
import { summarySentence } from "./summary-sentence.ts";

const now = Date.parse("2026-11-24T05:30:00.000Z");
const timeZone = "Asia/Kolkata";

test("calls are told with the reasons of their refusals, the most frequent first", () => {
  const day = { day: "2026-11-24", accepted: 1_200, refused: 1, refusedBy: { token_expired: 1 } };
  const before = { ...day, accepted: 4, refused: 3, refusedBy: { rate_limited: 2, token_expired: 1 } };
  const quiet = { ...day, accepted: 0, refused: 0, refusedBy: {} };
  expect(callWords([before, day, { ...day, refusedBy: { rate_limited: 1 } }])).toBe(
    "2,404 accepted, 5 refused (3 rate_limited, 2 token_expired)",
  );
  expect(callWords([quiet])).toBe("0 accepted, 0 refused");
});

test("callers that are not listed are told of by their number", () => {
  expect(callersListedWords({ listed: 20, total: 1_035 })).toBe("20 of 1,035 callers are listed.");
  expect(callersListedWords({ listed: 20, total: 20 })).toBeNull();
});

describe("the summary above Generate", () => {
  const choice = {
    applicationName: "Payouts",
    environment: "sandbox" as const,
    scopes: ["admin"],
    expiresAt: "2027-11-23T05:30:00.000Z",
    timeZone,
    firstReminderAt: "2027-11-08T03:30:00.000Z",
    renews: null,
  };

  test("says what the token may do, until when, and who is reminded", () => {
    expect(summarySentence(choice)).toBe(
      "A sandbox token lets Payouts do everything the Fusion API offers to it until Tue 23 Nov 2027, 11:00 IST. You are reminded from Mon 8 Nov 2027, 09:00 IST.",
    );
  });

  test("names narrower scopes, the renewed token, and that nobody is reminded", () => {
    const words = summarySentence({
      ...choice,
      scopes: ["accounts:read", "transfers:read", "transfers:write"],
      firstReminderAt: undefined,
      renews: { tokenId: "tok_1", overlap: { overlap: "until_expiry", overlapFrom: "now" } },
    });
    expect(words).toContain("use accounts:read, transfers:read and transfers:write until");
    expect(words).toContain("Nobody is reminded. It renews tok_1, which keeps working until its own end.");
    const late = summarySentence({ ...choice, renews: { tokenId: "tok_1", overlap: null } });
    expect(late).toContain("It renews tok_1, which has ended.");
  });

  test.each([
    ["none", "now", "is revoked at once"],
    ["none", "first_use", "is revoked when the new one is first used"],
    ["24h", "now", "is revoked after 24 hours"],
    ["7d", "first_use", "is revoked 7 days after the first use of the new one"],
    ["until_expiry", "first_use", "keeps working until its own end"],
  ] as const)(
    "says what becomes of the renewed token after an overlap of %s from %s",
    (overlap, overlapFrom, words) => {
      const renews = { tokenId: "tok_1", overlap: { overlap, overlapFrom } };
      expect(summarySentence({ ...choice, renews })).toContain(`It renews tok_1, which ${words}.`);
    },
  );

  test.each([
    ["none", "now", "was to be revoked at once"],
    ["none", "first_use", "was to be revoked when the new one was first used"],
    ["7d", "first_use", "was to be revoked 7 days after the first use of the new one"],
    ["until_expiry", "now", "was to keep working until its own end"],
  ] as const)(
    "says what was to become of it after an overlap of %s from %s, once that is over",
    (overlap, overlapFrom, words) => {
      expect(pastOverlapSentence({ overlap, overlapFrom })).toBe(words);
    },
  );

  test("is silent while something is missing", () => {
    expect(summarySentence({ ...choice, expiresAt: undefined })).toBeUndefined();
    expect(summarySentence({ ...choice, scopes: [] })).toBeUndefined();
  });
});

describe("the verdict of a cut-over", () => {
  const verdict = { callers: 3, moved: 3, silent: 0, together: false, lastOnRenewed: null };
  const told = (facts: Partial<typeof verdict> | object) =>
    verdictSentence({ verdict: { ...verdict, ...facts } }, now);
  const lastOnRenewed = { ip: "203.0.113.9", userAgent: "okhttp/4.12", at: "2026-11-24T05:24:00.000Z" };

  test("says how many have moved, and who used the old token last", () => {
    expect(told({ moved: 2, lastOnRenewed })).toBe(
      "2 of 3 callers have moved; 203.0.113.9 (okhttp/4.12) last used the old token 6 minutes ago.",
    );
    expect(told({ moved: 1, silent: 1, lastOnRenewed: { ...lastOnRenewed, userAgent: "" } })).toBe(
      "1 of 3 callers has moved; 203.0.113.9 last used the old token 6 minutes ago; 1 has not called since the renewal.",
    );
  });

  test("says that all have only where nothing is unknown", () => {
    expect(told({})).toBe("All 3 callers have moved.");
    expect(told({ callers: 1, moved: 1 })).toBe("The one caller has moved.");
    expect(told({ together: true })).toBe(
      "3 of 3 callers have moved; of others it is not known whether they have moved.",
    );
    expect(told({ callers: 0, moved: 0, together: true })).toContain("is not known");
    expect(told({ callers: 0, moved: 0 })).toBe("Nobody was seen with the old token.");
  });

  test("speaks of each caller as of the past, once the old token has ended", () => {
    expect(cutOverStateWords("on_renewed", { ended: false })).toBe("Uses the old token");
    expect(cutOverStateWords("on_renewed", { ended: true })).toBe("Had not moved");
    expect(cutOverStateWords("moved", { ended: true })).toBe("Moved");
  });

  test("is that the old token can go, where nobody has yet to move and nobody is unknown", () => {
    const done = (facts: Partial<typeof verdict>) => allHaveMoved({ verdict: { ...verdict, ...facts } });
    expect([done({}), done({ callers: 0, moved: 0 })]).toEqual([true, true]);
    expect([done({ moved: 2, silent: 1 }), done({ together: true })]).toEqual([false, false]);
  });
});

describe("what may be renewed", () => {
  const token = (tokenId: string, more: Partial<TokenSummary> = {}): TokenSummary => ({
    tokenId,
    status: "expiring",
    replaces: null,
    replacedBy: null,
    liveReplacement: null,
    plannedRevocation: null,
    applicationId: "app_1",
    environment: "sandbox",
    name: tokenId,
    hint: "fus_test_…0000",
    scopes: ["admin"],
    ipAllowList: [],
    createdAt: "2026-01-01T05:30:00.000Z",
    createdBy: "Asha",
    expiresAt: "2026-12-01T05:30:00.000Z",
    revokedAt: null,
    lastUsedAt: null,
    subscribers: 0,
    ...more,
  });
  const offered = (...expiring: TokenSummary[]): string[] =>
    renewable(expiring).map(({ tokenId }) => tokenId);

  test("what the server says has no live replacement, be it that it was renewed before; soonest end first", () => {
    const renewed = token("tok_a", { replacedBy: "tok_b", liveReplacement: "tok_c" });
    const again = token("tok_d", { replacedBy: "tok_e" });
    const soon = token("tok_f", { expiresAt: "2026-11-30T05:30:00.000Z" });
    expect(offered(renewed, again, soon)).toEqual(["tok_f", "tok_d"]);
  });

  test("an expired one, but no revoked one", () => {
    expect(isRenewable(token("tok_a", { status: "expired" }))).toBe(true);
    expect(isRenewable(token("tok_a", { status: "revoked" }))).toBe(false);
  });
});

describe("what a program is given", () => {
  const connection = {
    baseUrl: "http://127.0.0.1:8080/api/v1/ifi/140793",
    secret: "fus_test_secret",
    environment: "sandbox" as const,
    tokenId: "tok_1",
  };

  test("the .env file has both variables, one a line, and ends with a line break", () => {
    expect(envFileText(connection).split("\n").slice(1)).toEqual([
      "FUSION_BASE_URL=http://127.0.0.1:8080/api/v1/ifi/140793",
      "FUSION_TOKEN=fus_test_secret",
      "",
    ]);
  });

  test("each token has a file of its own, and the curl reads the token's", () => {
    const second = { ...connection, tokenId: "tok_2" };
    expect(envFileName(second)).not.toBe(envFileName(connection));
    expect(curlCommand(second, ["admin"])).toContain(`. ./${envFileName(second)};`);
  });

  test("the curl has the base URL but not the secret", () => {
    const command = curlCommand(connection, ["admin"]);
    expect(command).toContain(connection.baseUrl);
    expect(command).toContain("$FUSION_TOKEN");
    expect(command).not.toContain(connection.secret);
  });

  test("the curl reads what the token may read", () => {
    expect(curlCommand(connection, ["admin"])).toContain("/bundles");
    expect(curlCommand(connection, ["accounts:read", "transfers:write"])).toContain("/accounts");
  });
});

describe("reminders on the lifeline", () => {
  const expiresAt = "2026-12-03T05:30:00.000Z";

  const reminderTime = "09:00";

  test("one a local day from 15 days before through the last, only those to come", () => {
    const planned = plannedReminders({ expiresAt, timeZone, reminderTime, now });
    expect(planned[0]).toEqual({ at: "2026-11-25T03:30:00.000Z", mark: "next" });
    expect(planned.at(-1)).toEqual({ at: "2026-12-03T03:30:00.000Z", mark: "planned" });
    expect(planned).toHaveLength(9);
    const later = "2027-11-23T05:30:00.000Z";
    expect(plannedReminders({ expiresAt: later, timeZone, reminderTime, now })).toHaveLength(16);
  });

  test("at the time of day at which the fintech is reminded", () => {
    const [next, after] = plannedReminders({ expiresAt, timeZone, reminderTime: "17:45", now });
    expect([next?.at, after?.at]).toEqual(["2026-11-24T12:15:00.000Z", "2026-11-25T12:15:00.000Z"]);
  });

  test("several sends on a day are one dot; a day without any is missed; a test is none", () => {
    const row = {
      kind: "expiry" as const,
      channel: "email" as const,
      recipient: "a…@b.in",
      answer: null,
      error: null,
      acknowledged: null,
    };
    const drawn = drawnReminders({
      reminders: {
        recipients: [],
        fallback: false,
        nextAt: "2026-11-25T03:30:00.000Z",
        nextKind: "expiry",
        stopped: null,
        acknowledgeable: false,
        webhooks: [],
        reminders: [
          {
            ...row,
            kind: "test",
            localDay: "2026-11-22",
            state: "sent",
            plannedFor: "2026-11-22T08:30:00.000Z",
            sentAt: "2026-11-22T08:30:02.000Z",
          },
          {
            ...row,
            localDay: "2026-11-23",
            state: "missed",
            plannedFor: "2026-11-23T03:30:00.000Z",
            sentAt: null,
          },
          {
            ...row,
            localDay: "2026-11-24",
            state: "sent",
            plannedFor: "2026-11-24T03:30:00.000Z",
            sentAt: "2026-11-24T03:30:02.000Z",
          },
          {
            ...row,
            localDay: "2026-11-24",
            state: "failed",
            plannedFor: "2026-11-24T03:30:00.000Z",
            sentAt: null,
          },
        ],
      },
      expiresAt,
      timeZone,
      reminderTime,
      now,
    });
    expect(drawn.slice(0, 3).map(({ mark }) => mark)).toEqual(["missed", "sent", "next"]);
    expect(drawn).toHaveLength(11);
  });
});
