import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { manualClock } from "../clock.ts";
import { AddressRejected, DeliveryFailed, type Message } from "./message.ts";
import { createSmtpMessenger } from "./smtp.ts";

const clock = manualClock("2026-11-24T05:30:00.000Z");
const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Received {
  readonly recipients: string[];
  readonly source: string;
}

/** A mail server that keeps what it receives. */
async function startServer(options: SMTPServerOptions = {}) {
  const received: Received[] = [];
  let connections = 0;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onConnect(_session, done) {
      connections += 1;
      done();
    },
    onData(stream, session, done) {
      let source = "";
      stream.on("data", (chunk: Buffer) => {
        source += chunk.toString("utf8");
      });
      stream.on("end", () => {
        received.push({ recipients: session.envelope.rcptTo.map((each) => each.address), source });
        done();
      });
    },
    ...options,
  });
  server.on("error", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = server.server.address() as AddressInfo;
  return { received, url: `smtp://127.0.0.1:${port}`, connections: () => connections };
}

function messenger(url: string, timeoutMs = 5_000) {
  const smtp = createSmtpMessenger({ url, from: "Fusion <noreply@fusion.example>", clock, timeoutMs });
  closing.push(() => smtp.close());
  return smtp;
}

const letter: Message = { channel: "email", to: "asha@example.com", subject: "Hello", text: "One\nTwo" };

const refusing = (responseCode: number) =>
  ({
    onRcptTo(_address, _session, done) {
      done(Object.assign(new Error("refused"), { responseCode }));
    },
  }) satisfies SMTPServerOptions;

describe("mail over SMTP", () => {
  it("arrives with its Message-ID, date, sender and the unsubscribe headers of RFC 8058", async () => {
    const server = await startServer();
    await messenger(server.url).send({
      ...letter,
      messageId: "dig_7",
      headers: {
        "List-Unsubscribe": "<https://fusion.example/u/1>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
      },
    });
    const [mail] = server.received;
    expect(mail?.recipients).toEqual(["asha@example.com"]);
    for (const line of [
      "Message-ID: <dig_7@fusion.example>",
      "From: Fusion <noreply@fusion.example>",
      "To: asha@example.com",
      "Subject: Hello",
      "Date: Tue, 24 Nov 2026 05:30:00 +0000",
      "List-Unsubscribe: <https://fusion.example/u/1>",
      "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
      "Auto-Submitted: auto-generated",
    ])
      expect(mail?.source).toContain(line);
  });

  it("goes over a connection that is kept open", async () => {
    const server = await startServer();
    const smtp = messenger(server.url);
    for (let mail = 0; mail < 5; mail += 1) await smtp.send(letter);
    expect(server.received).toHaveLength(5);
    expect(server.connections()).toBe(1);
  });

  it("goes out as soon as its library can be loaded, which once it could not", async () => {
    const server = await startServer();
    const smtp = messenger(server.url);
    vi.doMock("nodemailer", () => {
      throw new Error("It is being installed.");
    });
    await expect(smtp.send(letter)).rejects.toBeInstanceOf(DeliveryFailed);
    vi.doUnmock("nodemailer");
    await smtp.send(letter);
    expect(server.received).toHaveLength(1);
  });

  it("tells an address that does not exist from a server that cannot take it now", async () => {
    const answers: [typeof AddressRejected | typeof DeliveryFailed, number, string?][] = [
      [AddressRejected, 550],
      [AddressRejected, 550, "5.1.1 no such user"],
      [AddressRejected, 553, "5.1.3 bad mailbox name"],
      [AddressRejected, 550, "5.1.0 Address rejected"],
      // The mailbox of somebody who has left: Google, Microsoft.
      [
        AddressRejected,
        550,
        "5.2.1 The email account that you tried to reach is disabled. https://example.com",
      ],
      [AddressRejected, 550, "5.4.1 Recipient address rejected: Access denied. [protection.example.com]"],
      [DeliveryFailed, 451],
      // Failures that affect every address alike: an expired password, an address of ours on a block list, a full mailbox.
      [DeliveryFailed, 554],
      [DeliveryFailed, 554, "5.7.1 Relay access denied"],
      [DeliveryFailed, 550, "5.7.1 Service unavailable; client host blocked"],
      [DeliveryFailed, 530, "5.7.0 Authentication required"],
      [DeliveryFailed, 552, "5.2.2 mailbox full"],
      [DeliveryFailed, 550, "5.4.1 No answer from host"],
      [DeliveryFailed, 550, "5.1.8 <fusion@example.com>: Sender address rejected: Domain not found"],
      [DeliveryFailed, 550, "5.1.0 <fusion@example.com>: Sender address rejected"],
    ];
    let [, responseCode, words] = answers[0] ?? [];
    const server = await startServer({
      onRcptTo: (_address, _session, done) =>
        done(Object.assign(new Error(words ?? "refused"), { responseCode })),
    });
    const smtp = messenger(server.url);
    for (const [what, ...answer] of answers) {
      [responseCode, words] = answer;
      await expect(smtp.send(letter), answer.join(" ")).rejects.toBeInstanceOf(what);
    }
  });

  it("that is refused for its content or its sender is not blamed on the address", async () => {
    const content = await startServer({
      onData(stream, _session, done) {
        stream.resume().on("end", () => done(Object.assign(new Error("spam"), { responseCode: 554 })));
      },
    });
    await expect(messenger(content.url).send(letter)).rejects.toBeInstanceOf(DeliveryFailed);
    const sender = await startServer({
      onMailFrom(_address, _session, done) {
        done(Object.assign(new Error("no"), { responseCode: 553 }));
      },
    });
    await expect(messenger(sender.url).send(letter)).rejects.toBeInstanceOf(DeliveryFailed);
  });

  it("fails when the server is away or says nothing in time", async () => {
    await expect(messenger("smtp://127.0.0.1:1").send(letter)).rejects.toBeInstanceOf(DeliveryFailed);
    const { createServer } = await import("node:net");
    const mute = createServer(() => undefined);
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
    closing.push(() => void mute.close());
    const { port } = mute.address() as AddressInfo;
    await expect(messenger(`smtp://127.0.0.1:${port}`, 200).send(letter)).rejects.toBeInstanceOf(
      DeliveryFailed,
    );
  });

  it("cannot be given another header, recipient or text by what stands in it", async () => {
    const server = await startServer();
    const smtp = messenger(server.url);
    // The address is not to blame for faults elsewhere.
    for (const attack of [
      { subject: "Hello\r\nBcc: eve@example.com" },
      { to: "asha@example.com\r\nBcc: eve@example.com" },
      { to: "asha@example.com, eve@example.com" },
      { to: "Asha <eve@example.com>" },
      { to: "asha" },
      { messageId: "a>\r\nX: y" },
      { messageId: "a b" },
      { headers: { "List-Unsubscribe": "<x>\r\nBcc: eve@example.com" } },
      { headers: { Bcc: "eve@example.com" } },
      { headers: { "X\r\nBcc": "eve@example.com" } },
    ])
      await expect(smtp.send({ ...letter, ...attack }), JSON.stringify(attack)).rejects.toBeInstanceOf(
        "to" in attack ? AddressRejected : DeliveryFailed,
      );
    expect(server.received).toEqual([]);
  });

  it("goes out encrypted or not at all where that is demanded", async () => {
    const server = await startServer();
    for (const url of [server.url, `${server.url}/?ignoreTLS=true&requireTLS=false`]) {
      const smtp = createSmtpMessenger({ url, from: "fusion@example.com", clock, requireTls: true });
      closing.push(() => smtp.close());
      await expect(smtp.send(letter)).rejects.toBeInstanceOf(DeliveryFailed);
    }
    expect(server.received).toEqual([]);
  });

  it("that failed says so without the address or the text", async () => {
    const server = await startServer(refusing(550));
    const error = await messenger(server.url)
      .send({ ...letter, text: "123456 is your code" })
      .catch((reason: Error) => reason);
    expect(String(error)).not.toMatch(/asha|123456/);
  });
});
