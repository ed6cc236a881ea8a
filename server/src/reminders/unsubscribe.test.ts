import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TokenId, UserId } from "../platform/ids.ts";
import { arrangeUser } from "../testing/fixtures.ts";
import { arrangeReminders, type TestReminders } from "../testing/reminder-fixture.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";
import { testKeys } from "../testing/test-keys.ts";
import { getToken } from "../tokens/get-token.ts";
import { setSubscription } from "../tokens/subscriptions/set-subscription.ts";
import { getTokenReminders } from "./token-reminders.ts";
import { unsubscribeUrl } from "./unsubscribe-link.ts";

// RFC 8058, "Signaling One-Click Functionality for List Email Headers".

let app: TestApp;
let owner: TestApp["database"]["owner"];
let given: TestReminders;
let tokenId: TokenId;

beforeAll(async () => {
  app = await createTestApp({ settings: { publicUrl: "https://fusion.example", requestsPerSecond: 1_000 } });
  owner = app.database.owner;
});
afterAll(() => app.close());
beforeEach(async () => {
  given = await arrangeReminders(app.database);
  await owner.query("TRUNCATE audit_entry");
  tokenId = await given.token();
});

const pair = "List-Unsubscribe=One-Click";
/** Unsubscribes as a mail provider does: from elsewhere, without cookies. */
const click = (url: string, payload = pair, type = "application/x-www-form-urlencoded") =>
  app.http.inject({
    method: "POST",
    url: new URL(url).pathname,
    payload,
    headers: { "content-type": type, origin: "https://mail.example", "sec-fetch-site": "cross-site" },
  });
const linkOf = (userId: UserId): string => unsubscribeUrl(testKeys, "https://fusion.example", userId);
const audited = async () =>
  (await owner.query("SELECT action, actor_name FROM audit_entry ORDER BY action")).rows.map(
    (row) => `${row.action}: ${row.actor_name}`,
  );
const told = () => given.letters.splice(0).map((letter) => letter.to);
const addressOf = async (userId: UserId, channel = "email") =>
  (await owner.query("SELECT address FROM identity WHERE user_id = $1 AND channel = $2", [userId, channel]))
    .rows[0].address;

describe("a reminder mail", () => {
  it("has one https address for the one click, the pair to send there, and a link in its text (section 3.1)", async () => {
    await given.subscribe(tokenId, given.member);
    await given.at("2027-11-08T03:30:00Z");
    const mail = given.letters.find((letter) => letter.channel === "email");
    const [, url] = /^<(https:\/\/fusion\.example\/unsubscribe\/[\w-]+)>$/.exec(
      mail?.headers?.["List-Unsubscribe"] ?? "",
    ) as unknown as [string, string];
    expect(mail?.headers?.["List-Unsubscribe-Post"]).toBe(pair);
    expect(mail?.text).toContain(url);
    expect(mail?.html).toContain(`href="${url}"`);
    const readable = Buffer.from(url.split("/").at(-1) as string, "base64url").toString("latin1");
    for (const theirs of [given.member.userId, given.member.name, mail?.to as string])
      expect(`${url}${readable}`).not.toContain(theirs);
    const sms = given.letters.find((letter) => letter.channel === "sms");
    expect(sms?.headers).toBeUndefined();
    expect(sms?.text).not.toContain("unsubscribe");
  });
});

describe("one click", () => {
  it("ends the recipient's mail for all tokens without a question, and is in each token's history once", async () => {
    const second = await given.token({ name: "payouts" });
    for (const id of [tokenId, second]) await given.subscribe(id, given.admin);
    const url = linkOf(given.admin.userId);
    for (const answer of [await click(url), await click(url)]) {
      expect(answer.statusCode).toBe(200);
      expect(answer.headers["set-cookie"]).toBeUndefined();
    }
    const who = `${given.admin.name}, by the link in a mail`;
    expect(await audited()).toEqual([
      `token.reminder-mail-ended: ${who}`,
      `token.reminder-mail-ended: ${who}`,
      `user.reminder-mail-ended: ${who}`,
    ]);
    const { subscribed, timeline } = await getToken({ db: app.database.db }, given.admin, second);
    expect([subscribed, timeline[0]?.action]).toEqual([false, "token.reminder-mail-ended"]);
    await given.at("2027-11-08T03:30:00Z");
    expect(told()).toEqual([]);
  });

  it("may come as multipart/form-data (section 3.2)", async () => {
    const body = `--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n`;
    await click(linkOf(given.admin.userId), body, "multipart/form-data; boundary=x");
    expect(await audited()).toHaveLength(1);
  });

  it("leaves SMS as it is", async () => {
    await given.subscribe(tokenId, given.member);
    await click(linkOf(given.member.userId));
    await given.at("2027-11-08T03:30:00Z");
    expect(told()).toEqual([await addressOf(given.member.userId, "sms")]);
    expect((await getToken({ db: app.database.db }, given.member, tokenId)).subscribed).toBe(true);
  });

  it("hands the token to the fintech's admins where nobody else would hear of it, the same day too, and to none who ended their mail", async () => {
    const colleague = await arrangeUser(owner, given.fintech, "fintech_admin", { phone: null });
    await given.subscribe(tokenId, colleague);
    const reminders = () =>
      getTokenReminders({ db: app.database.db, clock: given.clock }, colleague, tokenId);
    // The colleague's mail is due and could not be handed over yet.
    await given.at("2027-11-08T03:30:00Z");
    told();
    await owner.query(
      "UPDATE reminder_digest SET state = 'failed', sent_at = NULL, due_at = now() - interval '2 years'",
    );
    await owner.query("UPDATE reminder SET state = 'failed', sent_at = NULL");
    await click(linkOf(colleague.userId));
    expect(await reminders()).toMatchObject({ fallback: true, recipients: [{ name: given.admin.name }] });
    await given.at("2027-11-08T03:45:00Z");
    expect(told()).toEqual([await addressOf(given.admin.userId)]);
    expect(await given.reminders()).toContainEqual({
      day: "2027-11-08",
      state: "cancelled",
      channel: "email",
      error: "The recipient has ended the reminder mail.",
    });
    await click(linkOf(given.admin.userId));
    await given.at("2027-11-09T03:30:00Z");
    expect(told()).toEqual([]);
    expect((await reminders()).recipients).toEqual([]);
  });

  it("is undone for a token by asking to be reminded of it again", async () => {
    const other = await given.token({ name: "payouts" });
    for (const id of [tokenId, other]) await given.subscribe(id, given.admin);
    await click(linkOf(given.admin.userId));
    await setSubscription(given.deps, given.admin, { tokenId, subscribed: true });
    await given.at("2027-11-09T03:30:00Z");
    const [mail] = given.letters;
    expect(mail?.text).toContain(tokenId);
    // As one of two admins who could stand in for nobody else, the other token is theirs again too.
    expect(mail?.text).toContain(other);
  });
});

describe("what is no click", () => {
  it("changes nothing: a GET, which scanners of mail do, asks on a page that loads no script", async () => {
    await given.subscribe(tokenId, given.admin);
    const url = linkOf(given.admin.userId);
    const page = await app.http.inject({ url: new URL(url).pathname });
    expect([page.statusCode, page.headers["cache-control"]]).toEqual([200, "no-store"]);
    expect(page.headers["content-security-policy"]).toMatch(/default-src 'none'.*form-action 'self'/);
    expect(page.body).toContain('<form method="post"><button name="List-Unsubscribe" value="One-Click">');
    for (const body of ["", "List-Unsubscribe=No", `a=b&${pair}`])
      expect((await click(url, body)).statusCode).toBe(400);
    expect((await click(url, "{}", "application/json")).statusCode).toBe(415);
    expect(await audited()).toEqual([]);
  });

  it("is answered alike for a link that we made, one that we did not, and one of somebody whose access has ended", async () => {
    const made = linkOf(given.admin.userId);
    const answers = [];
    for (const url of [
      made,
      `${made}x`,
      made.replace(/.{9}$/, "AAAAAAAAA"),
      "https://x/unsubscribe/a",
      linkOf("usr_none" as UserId),
    ]) {
      const { statusCode, body } = await click(url);
      answers.push(statusCode + body);
    }
    expect(new Set(answers).size).toBe(1);
    expect(await audited()).toHaveLength(1);
    await owner.query("TRUNCATE audit_entry");
    await owner.query("UPDATE console_user SET disabled_at = now() WHERE user_id = $1", [
      given.member.userId,
    ]);
    await click(linkOf(given.member.userId));
    expect(await audited()).toEqual([]);
  });

  it("is limited for each address", async () => {
    const statuses = new Set<number>();
    for (let at = 0; at < 220; at += 1) statuses.add((await click("https://x/unsubscribe/a")).statusCode);
    expect(statuses).toContain(429);
  });
});
