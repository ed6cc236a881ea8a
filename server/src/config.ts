import { isIP } from "node:net";
import { resolve } from "node:path";
import { defaultPort, protocolOf, type Values, type VariableName, variables } from "./config-variables.ts";
import { type Role, roles } from "./roles.ts";

// The variables are in `config-variables.ts`, the rules between them in `contradictions`. Rooms receive values, never the Config.

/** All settings of the environment, checked. */
export interface Config {
  readonly mode: "development" | "production";
  readonly host: string;
  readonly port: number;
  /** An origin, without a slash at its end. */
  readonly publicUrl: string;
  /** Absolute. */
  readonly dataFolder: string;
  readonly database:
    | { readonly kind: "embedded" }
    | {
        readonly kind: "external";
        readonly url: string;
        /** Past any pooler. */
        readonly directUrl: string;
        readonly migrationUrl: string;
        /** Refuse a database whose acknowledged commits might not survive a failover. */
        readonly strictDurability: boolean;
      };
  /** Null means development's key file. */
  readonly rootKey: Buffer | null;
  readonly mail: {
    readonly smtpUrl: string;
    readonly from: string;
    /** Whether the connection must be encrypted. */
    readonly requireTls: boolean;
  } | null;
  readonly sms: {
    readonly gatewayUrl: string;
    readonly gatewayToken: string | null;
    readonly templates: { readonly otp?: string; readonly reminder?: string; readonly notice?: string };
  } | null;
  readonly trustedProxies: readonly string[];
  readonly requestsPerSecond: number;
  readonly tokenMemoryBytes: number;
  readonly webhooksToLoopback: boolean;
  readonly secretScanningKeys: string | null;
  /** Null means that one process does everything. */
  readonly workers: number | null;
  readonly roles: readonly Role[];
  readonly drainMs: number;
  /** Null means that nothing is counted. */
  readonly metricsPort: number | null;
  readonly logLevel: string;
}

/** Something wrong with one variable. */
export interface ConfigFault {
  readonly variable: string;
  /** Continues the variable's name: "must be …". Never holds the value, which may be a secret. */
  readonly fault: string;
}

/** Reads the environment. Returns a frozen Config, or all faults at once. */
export function readConfig(
  environment: Readonly<Record<string, string | undefined>>,
):
  | { readonly config: Config; readonly faults?: never }
  | { readonly faults: readonly ConfigFault[]; readonly config?: never } {
  const values: Record<string, unknown> = {};
  const faults: ConfigFault[] = [];
  for (const [variable, { schema }] of Object.entries(variables)) {
    const text = environment[variable]?.trim();
    if (text === undefined || text === "") continue;
    const parsed = schema.safeParse(text);
    if (parsed.success) values[variable] = parsed.data;
    else faults.push({ variable, fault: parsed.error.issues[0]?.message ?? "is not valid" });
  }
  const given = new Set(faults.map((fault) => fault.variable).concat(Object.keys(values)));
  // An unreadable mode is judged like production, so that all faults are reported at once.
  const mode = given.has("FUSION_ENV")
    ? values.FUSION_ENV === "development"
      ? "development"
      : "production"
    : "development";
  faults.push(...contradictions(mode, values as Values, (variable) => !given.has(variable)));
  if (faults.length > 0) {
    const order = Object.keys(variables);
    return { faults: faults.toSorted((a, b) => order.indexOf(a.variable) - order.indexOf(b.variable)) };
  }
  return { config: Object.freeze(assemble(mode, values as Values)) };
}

/** Faults between variables, and those missing in this mode. `missing` is false for a variable that was given but is faulty. */
function* contradictions(
  mode: Config["mode"],
  values: Values,
  missing: (variable: VariableName) => boolean,
): Generator<ConfigFault> {
  const others = (["DIRECT_DATABASE_URL", "MIGRATION_DATABASE_URL"] as const).filter((url) => !missing(url));
  if (others.length > 0 && missing("DATABASE_URL"))
    yield { variable: "DATABASE_URL", fault: `is missing, while ${others[0]} is given` };
  if (values.FUSION_HA === "strict" && missing("DATABASE_URL"))
    yield {
      variable: "FUSION_HA",
      fault: "must not be strict with the embedded database, which has no standby: set DATABASE_URL",
    };
  if (values.METRICS_PORT !== undefined && values.METRICS_PORT === (values.PORT ?? defaultPort))
    yield { variable: "METRICS_PORT", fault: "must be another port than PORT" };
  if (mode === "development") {
    if (values.HOST !== undefined && !isLoopback(values.HOST))
      yield {
        variable: "HOST",
        fault:
          "must be a loopback address (127.0.0.1, ::1 or localhost) in development, which shows every one-time code at /dev/inbox",
      };
    return;
  }
  const demanded: Partial<Record<VariableName, string>> = {
    PUBLIC_URL: "the https address of the console",
    DATABASE_URL: "the runtime role's connection",
    MIGRATION_DATABASE_URL: "the owner's connection",
    FUSION_ROOT_KEY: "make one with: openssl rand -base64 32",
    SMTP_URL: "the mail server",
    MAIL_FROM: "the sender of mail",
    SMS_GATEWAY_URL: "the SMS gateway",
    SMS_GATEWAY_TOKEN: "the SMS gateway's bearer token",
    SMS_TEMPLATE_OTP: "the template id of one-time codes",
    SMS_TEMPLATE_REMINDER: "the template id of expiry reminders",
    SMS_TEMPLATE_NOTICE: "the template id of notices",
    // Something in front speaks https. Unless it is trusted, all people share its address, and one of them can use up every login's codes.
    TRUSTED_PROXIES: "the address of the proxy that speaks https for it",
  };
  for (const [variable, what] of Object.entries(demanded) as [VariableName, string][]) {
    if (variable === "DATABASE_URL" && others.length > 0) continue; // Reported above.
    if (missing(variable)) yield { variable, fault: `is missing (${what})` };
  }
  if (values.WEBHOOKS_TO_LOOPBACK)
    yield { variable: "WEBHOOKS_TO_LOOPBACK", fault: "must not be true in production" };
  if (values.PUBLIC_URL !== undefined && !values.PUBLIC_URL.startsWith("https:"))
    yield { variable: "PUBLIC_URL", fault: "must start with https:// in production" };
  if (values.SMS_GATEWAY_URL !== undefined && protocolOf(values.SMS_GATEWAY_URL) !== "https:")
    yield { variable: "SMS_GATEWAY_URL", fault: "must start with https:// in production" };
  const { MIGRATION_DATABASE_URL: ownerUrl } = values;
  for (const variable of ["DATABASE_URL", "DIRECT_DATABASE_URL"] as const) {
    const url = values[variable];
    if (url === undefined || ownerUrl === undefined || accountOf(url) !== accountOf(ownerUrl)) continue;
    yield {
      variable: "MIGRATION_DATABASE_URL",
      fault: `must name another role than ${variable}: the owner's, while the program runs as one that owns nothing`,
    };
  }
}

function assemble(mode: Config["mode"], values: Values): Config {
  const host = values.HOST ?? "127.0.0.1";
  const port = values.PORT ?? defaultPort;
  return {
    mode,
    host,
    port,
    publicUrl: values.PUBLIC_URL ?? new URL(`http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`).origin,
    dataFolder: values.DATA_DIR ?? resolve("data"),
    database:
      values.DATABASE_URL === undefined
        ? { kind: "embedded" }
        : {
            kind: "external",
            url: values.DATABASE_URL,
            directUrl: values.DIRECT_DATABASE_URL ?? values.DATABASE_URL,
            migrationUrl: values.MIGRATION_DATABASE_URL ?? values.DIRECT_DATABASE_URL ?? values.DATABASE_URL,
            strictDurability: values.FUSION_HA === "strict",
          },
    rootKey: values.FUSION_ROOT_KEY ?? null,
    mail:
      values.SMTP_URL === undefined
        ? null
        : {
            smtpUrl: values.SMTP_URL,
            from: values.MAIL_FROM ?? "Fusion <fusion@localhost>",
            requireTls: mode === "production" && !isLoopback(hostOf(values.SMTP_URL)),
          },
    sms:
      values.SMS_GATEWAY_URL === undefined
        ? null
        : {
            gatewayUrl: values.SMS_GATEWAY_URL,
            gatewayToken: values.SMS_GATEWAY_TOKEN ?? null,
            templates: {
              ...(values.SMS_TEMPLATE_OTP ? { otp: values.SMS_TEMPLATE_OTP } : {}),
              ...(values.SMS_TEMPLATE_REMINDER ? { reminder: values.SMS_TEMPLATE_REMINDER } : {}),
              ...(values.SMS_TEMPLATE_NOTICE ? { notice: values.SMS_TEMPLATE_NOTICE } : {}),
            },
          },
    trustedProxies: values.TRUSTED_PROXIES ?? [],
    tokenMemoryBytes: (values.TOKEN_MEMORY_MIB ?? 256) * 1_048_576,
    requestsPerSecond: values.API_REQUESTS_PER_SECOND ?? 1_000,
    webhooksToLoopback: values.WEBHOOKS_TO_LOOPBACK ?? false,
    secretScanningKeys: values.SECRET_SCANNING_KEYS_URL ?? null,
    workers: values.FUSION_WORKERS ?? null,
    roles: values.FUSION_ROLES ?? roles,
    drainMs: (values.FUSION_DRAIN_SECONDS ?? (mode === "development" ? 0 : 5)) * 1_000,
    metricsPort: values.METRICS_PORT ?? null,
    logLevel: values.LOG_LEVEL ?? (mode === "development" ? "warn" : "info"),
  };
}

/** The account and place that a database URL leads to: two URLs may differ only in their options. */
function accountOf(url: string): string {
  const { username, host, pathname, searchParams } = new URL(url);
  return [username || searchParams.get("user"), host || searchParams.get("host"), pathname].join(" ");
}

function hostOf(url: string): string {
  return new URL(url).hostname.replace(/^\[|\]$/g, "");
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
