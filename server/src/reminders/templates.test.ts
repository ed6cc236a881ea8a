import { describe, expect, it } from "vitest";
import type { TokenId } from "../platform/ids.ts";
import type { OpenNotice } from "./digest-store.ts";
import { renderDigest } from "./templates.ts";

const notice = (over: Partial<OpenNotice> = {}): OpenNotice => ({
  kind: "expiry",
  tokenId: "tok_1" as TokenId,
  applicationId: "app_1",
  applicationName: "Payouts",
  environment: "live",
  suspended: null,
  name: "billing",
  hint: "fus_live_…abcd",
  createdAt: new Date("2027-03-03T05:30:00Z"),
  expiresAt: new Date("2027-11-23T05:30:00Z"),
  lastUsedAt: null,
  fallback: false,
  replacementId: null,
  replacementCreatedAt: null,
  replacementUsedAt: null,
  revocationAt: null,
  revocationOverlap: null,
  ...over,
});
const render = (channel: "sms" | "email", ...notices: OpenNotice[]) =>
  renderDigest({
    channel,
    notices,
    recipientName: "Asha",
    fintechName: "Acme Pay",
    timeZone: "Asia/Kolkata",
    publicUrl: "https://fusion.example",
    now: new Date("2027-11-20T03:30:00Z"),
  });
/** The paragraphs of a mail except the first and the last: what it says of each token, and before and after them. */
function partsOf(text: string): string[] {
  return text.trim().split("\n\n").slice(1, -1);
}

describe("an SMS", () => {
  it("cuts a long name between characters, without one that alone would make its parts shorter", () => {
    expect(render("sms", notice({ name: "a".repeat(31) })).text).toContain(`"${"a".repeat(27)}..."`);
    const faces = render("sms", notice({ name: `${"a".repeat(26)}${"😀".repeat(6)}` })).text;
    expect(faces).toContain(`"${"a".repeat(26)}😀..."`);
    expect(faces.isWellFormed()).toBe(true);
    expect(render("sms", notice({ name: "😀".repeat(30) })).text).toContain(`"${"😀".repeat(30)}"`);
  });

  it("of a suspended application does not ask to renew, and is of the registered text of notices", () => {
    const { text, smsTemplate } = render("sms", notice({ suspended: "application" }));
    expect(text).toBe(
      '3 days left: token "billing" expires Tue 23 Nov 2027, 11:00 IST; its application is suspended. https://fusion.example/applications/app_1/tokens/tok_1',
    );
    expect(smsTemplate).toBe("notice");
  });
});

describe("a mail", () => {
  it("says of each token whether its reader stands in, and of none other", () => {
    const own = notice({ name: "own" });
    const lost = notice({ name: "lost", fallback: true });
    const asked = "You get this because you asked to be reminded; you can end it on the token's page.";
    const standsIn = "nobody who asked to be reminded can be reached";
    const mixed = partsOf(render("email", own, lost).text);
    expect(mixed[1]).not.toContain(standsIn);
    expect(mixed[2]).toContain(standsIn);
    expect(mixed.slice(3)).toContain(asked);
    expect(mixed.slice(3).join()).not.toContain(standsIn);
    const others = partsOf(render("email", lost).text);
    expect(others[1]).toContain(standsIn);
    expect(others).not.toContain(asked);
    expect(render("email", own, lost).html?.match(new RegExp(standsIn, "g"))).toHaveLength(1);
  });

  it("says of tokens that have ended that programs are refused, and not that they will be", () => {
    const ended = notice({ name: "ended", expiresAt: new Date("2027-11-19T05:30:00Z") });
    const atWork = notice({ name: "at work" });
    const movable = notice({ name: "renewed", kind: "cutover" });
    const opening = (...notices: OpenNotice[]): string | undefined => {
      const { text, html } = render("email", ...notices);
      const [words] = partsOf(text);
      expect(html).toContain(`<p>${words}</p>`);
      return words;
    };
    expect(opening(ended)).toBe(
      "this token has ended, and programs that use it are refused. Generate its replacement if it is still needed:",
    );
    expect(opening(ended, ended)).toBe(
      "these 2 tokens of Acme Pay have ended, and programs that use them are refused. Generate replacements of those that are still needed:",
    );
    expect(opening(atWork, ended)).toBe(
      "these 2 tokens of Acme Pay need your attention. Generate their replacements before programs that use them are refused. 1 of them has ended, and programs that use it are refused already:",
    );
    expect(opening(movable, atWork, ended, ended)).toMatch(
      /are refused\. 2 of them have ended, and programs that use those are refused already:$/,
    );
    expect(render("sms", ended).text).toMatch(/^Fusion: token "ended" expired Fri 19 Nov 2027, .* Renew: /);
  });

  it("asks for no replacement while fintech or application are suspended, and says of which tokens that is", () => {
    const atWork = notice({ name: "at work" });
    const paused = notice({ name: "paused", suspended: "application" });
    const refused = "calls are refused already, and no replacement can be generated";
    const alone = partsOf(render("email", paused).text);
    expect(alone[0]).toBe("this token needs your attention as soon as its suspension is over:");
    expect(alone[1]).toContain(`Its application is suspended: ${refused}`);
    const all = partsOf(render("email", paused, notice({ suspended: "fintech" })).text);
    expect(all[0]).toBe(
      "these 2 tokens of Acme Pay need your attention as soon as their suspension is over:",
    );
    expect(all[2]).toContain(`Its fintech is suspended: ${refused}`);
    const mixed = partsOf(render("email", atWork, paused).text);
    expect(mixed[0]).toMatch(/Generate their replacements before programs that use them are refused:$/);
    expect([mixed[1]?.includes(refused), mixed[2]?.includes(refused)]).toEqual([false, true]);
  });
});
