import { isIP } from "node:net";
import { resolve } from "node:path";
import { z } from "zod";
import { type Role, roles } from "./roles.ts";

// The only definition of each variable, with the sentence that the manual prints (docs/configuration.md is generated from here).

export const defaultPort = 8080;
const databaseUrl = z
  .string()
  .refine((text) => /^postgres(ql)?:$/.test(protocolOf(text)), "must be a URL that starts with postgres://");
/** What the program asks of its sessions goes where the URL has `options`, which would replace it. */
const sessionsUrl = databaseUrl.refine(
  (text) => !URL.canParse(text) || !new URL(text).searchParams.has("options"),
  "must not have options in it; set them for the account (ALTER ROLE … SET …)",
);
const baseUrl = z
  .string()
  .refine(
    (text) => /^https?:$/.test(protocolOf(text)) && new URL(text).href === `${new URL(text).origin}/`,
    "must be an http:// or https:// address without a path",
  )
  .transform((text) => new URL(text).origin);
const oneLine = z
  .string()
  .max(1_000, "is too long")
  .regex(/^\P{Cc}*$/u, "must not contain control characters");

const portNumber = wholeNumber(1, 65_535);

function wholeNumber(least: number, most: number): z.ZodType<number, string> {
  const fault = `must be a number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, fault)
    .transform(Number)
    .refine((number) => number >= least && number <= most, fault);
}

/** `fetch` refuses such an address. */
function hasCredentials(url: string): boolean {
  const { username, password } = new URL(url);
  return username !== "" || password !== "";
}

/** A variable of the environment. The schema reads its text; unset (or empty) means the default. */
export interface Variable {
  readonly schema: z.ZodType<unknown, string>;
  /** What it does, for the manual. */
  readonly sentence: string;
  /** The default in words. */
  readonly standard: string;
  readonly secret?: true;
}

export const variables = {
  FUSION_ENV: {
    schema: z.enum(["development", "production"], { error: "must be development or production" }),
    sentence:
      "`development` brings demonstration data and the development inbox and binds to loopback only; `production` has none of that and refuses to start on missing or unsafe settings.",
    standard: "`development`",
  },
  PORT: {
    schema: portNumber,
    sentence: "The port that the console and the APIs are served on.",
    standard: "`8080`",
  },
  HOST: {
    schema: z.string().regex(/^[0-9A-Za-z.:_-]{1,255}$/, "must be a host name or an address to listen on"),
    sentence: "The address to listen on. Development accepts loopback addresses only.",
    standard: "`127.0.0.1`",
  },
  PUBLIC_URL: {
    schema: baseUrl,
    sentence:
      "The address under which people and programs reach the server: in links, `curl` examples and the same-origin check. Production demands `https`.",
    standard: "`http://HOST:PORT`",
  },
  DATA_DIR: {
    schema: z
      .string()
      .regex(/^\P{Cc}*$/u, "must not contain control characters")
      .transform((path) => resolve(path)),
    sentence:
      "The folder of the embedded database and of development's root key. Relative to the folder that the program is started in. One process uses it at a time.",
    standard: "`./data`",
  },
  DATABASE_URL: {
    schema: sessionsUrl,
    sentence:
      "An external PostgreSQL (15 or newer) instead of the embedded one. Production demands a role that is no superuser and owns nothing, a member of `fusion_runtime`.",
    standard: "the embedded PostgreSQL",
    secret: true,
  },
  DIRECT_DATABASE_URL: {
    schema: sessionsUrl,
    sentence:
      "The same database and role as `DATABASE_URL`, past any pooler (pgbouncer) that stands in front of it: for what needs a session of its own, such as LISTEN and the job queue. Where both differ, no statement is prepared over `DATABASE_URL`, so set it only with a pooler.",
    standard: "`DATABASE_URL`",
    secret: true,
  },
  MIGRATION_DATABASE_URL: {
    schema: databaseUrl,
    sentence:
      "The same database as its owner, past any pooler, used at start to bring the schema up to date and for nothing else; the command line prepares an empty database with it, and otherwise only looks whether the schema fits. Production demands it.",
    standard: "`DIRECT_DATABASE_URL`",
    secret: true,
  },
  FUSION_HA: {
    schema: z.enum(["strict", "off"], { error: "must be strict or off" }),
    sentence:
      "`strict` refuses to start unless the external PostgreSQL keeps every commit that was answered through the loss of its primary (a synchronous standby and the settings that go with it), and looks again each minute; see [high availability](high-availability.md).",
    standard: "`off`",
  },
  FUSION_ROOT_KEY: {
    schema: z
      .string()
      .refine(
        (text) => /^[A-Za-z0-9+/]{43}=$/.test(text) && Buffer.from(text, "base64").length === 32,
        "must be 32 bytes in base64 (make one with: openssl rand -base64 32)",
      )
      .transform((text): Buffer => Buffer.from(text, "base64")),
    sentence:
      "The secret from which the keys outside the database are derived (32 bytes, base64). Keep a copy: with another key, codes, encrypted numbers and lookups of this database are useless.",
    standard: "in development the file `DATA_DIR/keys/root.key`, made at the first start",
    secret: true,
  },
  SMTP_URL: {
    schema: z
      .string()
      .refine(
        (text) => /^smtps?:$/.test(protocolOf(text)) && new URL(text).hostname !== "",
        "must be a URL that starts with smtp:// or smtps://",
      ),
    sentence:
      "The mail server, such as `smtps://user:password@mail.example.com:465`. With `smtp://` production demands STARTTLS, except of a server on this machine.",
    standard: "in development the inbox at `/dev/inbox`",
    secret: true,
  },
  MAIL_FROM: {
    schema: oneLine.regex(
      /^([^<>]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)$/,
      "must be an address such as Fusion <fusion@example.com>",
    ),
    sentence: "The sender of mail.",
    standard: "in development `Fusion <fusion@localhost>`",
  },
  SMS_GATEWAY_URL: {
    schema: z
      .string()
      .refine((text) => /^https?:$/.test(protocolOf(text)), "must be an http:// or https:// address")
      .refine(
        (text) => !/^https?:$/.test(protocolOf(text)) || !hasCredentials(text),
        "must not hold a user or a password; SMS_GATEWAY_TOKEN is the gateway's bearer token",
      ),
    sentence:
      "The SMS gateway: each message is one JSON POST to it ([how](operations.md#the-sms-gateway)). Production demands `https`.",
    standard: "in development the inbox at `/dev/inbox`",
  },
  SMS_GATEWAY_TOKEN: {
    schema: oneLine,
    sentence: "The bearer token that the SMS gateway asks for.",
    standard: "none",
    secret: true,
  },
  SMS_TEMPLATE_OTP: {
    schema: oneLine,
    sentence: "The gateway's registered template id of one-time codes.",
    standard: "none",
  },
  SMS_TEMPLATE_REMINDER: {
    schema: oneLine,
    sentence: "The gateway's registered template id of expiry reminders.",
    standard: "none",
  },
  SMS_TEMPLATE_NOTICE: {
    schema: oneLine,
    sentence: "The gateway's registered template id of notices about an account, such as a changed password.",
    standard: "none",
  },
  TRUSTED_PROXIES: {
    schema: z
      .string()
      .transform((text) =>
        text
          .split(",")
          .map((part) => part.trim())
          .filter((part) => part !== ""),
      )
      .refine((parts) => parts.length > 0, "must name a proxy")
      .refine((parts) => parts.every(isAddressRange), "must be addresses or CIDR ranges, separated by commas")
      // With that, anyone could claim any address, get past limits, and sign the audit trail with somebody else's.
      .refine((parts) => !parts.some((part) => /\/0+$/.test(part)), "must not be every address"),
    sentence:
      "Addresses or CIDR ranges of the proxies in front, separated by commas: only their `X-Forwarded-For` is believed. Production demands it, since something in front speaks `https` and all people would share its address and the limits that go with it.",
    standard: "none",
  },
  API_REQUESTS_PER_SECOND: {
    schema: z
      .string()
      .regex(/^[1-9]\d{0,5}$/, "must be a number from 1 to 999999")
      .transform(Number),
    sentence:
      "How many calls of the Fusion API a second may come from one client address, and with one token, for long (twenty times as many at once); beyond it the answer is 429 with `Retry-After`. Counted in each process.",
    standard: "`1000`",
  },
  TOKEN_MEMORY_MIB: {
    schema: z
      .string()
      .regex(/^[1-9]\d{0,5}$/, "must be a number of MiB from 1 to 999999")
      .transform(Number),
    sentence:
      "How much memory each process may use to remember tokens, so that checking one asks nobody; a million take about 450 MiB. The least recently used are forgotten first.",
    standard: "`256`",
  },
  WEBHOOKS_TO_LOOPBACK: {
    schema: z
      .enum(["true", "false"], { error: "must be true or false" })
      .transform((text) => text === "true"),
    sentence:
      "Whether webhooks may go to this machine (`http://localhost:9000/…`, a port from 1024 on), to try a receiver in development. Production refuses it: webhooks go over `https` to public addresses alone.",
    standard: "`false`",
  },
  SECRET_SCANNING_KEYS_URL: {
    schema: z
      .string()
      .refine((text) => /^(https|file):$/.test(protocolOf(text)), "must be an https:// or file:// address"),
    sentence:
      "Where the public keys are listed with which a scanner of published files signs its reports, in GitHub's format, such as `https://api.github.com/meta/public_keys/secret_scanning`. With it `/secret-scanning/reports` takes such reports and revokes the tokens in them; see the [format of tokens](reference/services/40-token-format.md).",
    standard: "none: reports are not taken",
  },
  FUSION_WORKERS: {
    schema: wholeNumber(1, 64),
    sentence:
      "How many processes serve requests on the one port, with another one above them that starts them again and replaces them; `npm start -- --workers 4` says the same. See [operations](operations.md).",
    standard: "one process does everything",
  },
  FUSION_ROLES: {
    schema: z
      .string()
      .transform((text) => text.split(",").map((part) => part.trim()))
      .refine(
        (parts) => parts.every((part) => roles.includes(part as Role)),
        "must name some of console, api and jobs, separated by commas",
      )
      .transform((parts) => roles.filter((role) => parts.includes(role))),
    sentence:
      "What a process does: `console` (pages and their API), `api` (the APIs of programs), `jobs` (reminders, messages, webhooks). What it does not do, it answers with 404; `/healthz` and `/readyz` it answers always.",
    standard: "`console,api,jobs`",
  },
  FUSION_DRAIN_SECONDS: {
    schema: wholeNumber(0, 300),
    sentence:
      "How long a process that was told to end answers as before while `/readyz` says 503, so that whoever distributes requests sends it no more.",
    standard: "`0` in development, `5` in production",
  },
  METRICS_PORT: {
    schema: portNumber,
    sentence: "A port on 127.0.0.1 with figures for Prometheus at `/metrics`. Without it nothing is counted.",
    standard: "none",
  },
  LOG_LEVEL: {
    schema: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"], {
      error: "must be trace, debug, info, warn, error, fatal or silent",
    }),
    sentence: "From which level on log lines (JSON, on standard error) are written.",
    standard: "`warn` in development, `info` in production",
  },
} as const satisfies Record<string, Variable>;

export type VariableName = keyof typeof variables;
/** The values that were set, parsed. */
export type Values = { [Name in VariableName]?: z.infer<(typeof variables)[Name]["schema"]> };

export function protocolOf(text: string): string {
  return URL.canParse(text) ? new URL(text).protocol : "";
}

function isAddressRange(text: string): boolean {
  const [address = "", length, ...rest] = text.split("/");
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  if (bits < 0 || rest.length > 0) return false;
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= bits);
}
