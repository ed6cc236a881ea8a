import { describe, expect, it } from "vitest";
import { type ConfigFault, readConfig } from "./config.ts";
import { variables } from "./config-variables.ts";

const safe = {
  FUSION_ENV: "production",
  HOST: "0.0.0.0",
  PUBLIC_URL: "https://fusion.example.com",
  DATABASE_URL: "postgres://app:one@db.example.com/fusion",
  MIGRATION_DATABASE_URL: "postgres://owner:two@db.example.com/fusion",
  FUSION_ROOT_KEY: Buffer.alloc(32, 1).toString("base64"),
  SMTP_URL: "smtps://user:pass@mail.example.com:465",
  MAIL_FROM: "Fusion <fusion@example.com>",
  SMS_GATEWAY_URL: "https://sms.example.com/send",
  SMS_GATEWAY_TOKEN: "token",
  SMS_TEMPLATE_OTP: "1",
  SMS_TEMPLATE_REMINDER: "2",
  SMS_TEMPLATE_NOTICE: "3",
  TRUSTED_PROXIES: "10.0.0.2",
};

function faultsOf(environment: Record<string, string>): readonly ConfigFault[] {
  return readConfig(environment).faults ?? [];
}

describe("an empty environment", () => {
  it("is development on loopback with the embedded database", () => {
    expect(readConfig({}).config).toMatchObject({
      mode: "development",
      host: "127.0.0.1",
      port: 8080,
      publicUrl: "http://127.0.0.1:8080",
      database: { kind: "embedded" },
      logLevel: "warn",
      mail: null,
      sms: null,
      workers: null,
      roles: ["console", "api", "jobs"],
      drainMs: 0,
      metricsPort: null,
    });
  });

  it("yields a frozen Config, and empty variables count as unset", () => {
    const { config } = readConfig({ PORT: "", DATABASE_URL: " " });
    expect(Object.isFrozen(config)).toBe(true);
    expect(config?.port).toBe(8080);
  });
});

describe("development", () => {
  it("follows host and port in the public address", () => {
    expect(readConfig({ HOST: "::1", PORT: "9000" }).config?.publicUrl).toBe("http://[::1]:9000");
  });

  it.each(["0.0.0.0", "192.168.1.5", "::", "example.com"])(
    "refuses to listen on %s, with the reason",
    (HOST) => {
      expect(faultsOf({ HOST })).toEqual([
        { variable: "HOST", fault: expect.stringContaining("/dev/inbox") },
      ]);
    },
  );
});

describe("production", () => {
  it("starts with safe settings", () => {
    expect(readConfig(safe).config).toMatchObject({ mode: "production", logLevel: "info" });
  });

  it.each(["0.0.0.0/0", "::/0", "10.0.0.0/8, 0.0.0.0/0"])(
    "does not believe every address to be a proxy: %s",
    (TRUSTED_PROXIES) => {
      expect(faultsOf({ ...safe, TRUSTED_PROXIES }).map(({ variable }) => variable)).toEqual([
        "TRUSTED_PROXIES",
      ]);
    },
  );

  it("demands encryption of the mail server, except of one on this machine", () => {
    const requireTls = (SMTP_URL: string) => readConfig({ ...safe, SMTP_URL }).config?.mail?.requireTls;
    expect(requireTls("smtp://mail.example.com:587")).toBe(true);
    for (const host of ["127.0.0.1", "localhost", "[::1]"])
      expect(requireTls(`smtp://${host}:25`)).toBe(false);
  });

  it("is public under https alone, since tokens MUST NOT travel in the clear: RFC 6750 sections 5.2 and 5.3, RFC 7009 sections 2 and 5, RFC 7662 section 4, RFC 8414 sections 2 and 6.1", () => {
    expect(readConfig({ ...safe, PUBLIC_URL: "https://fusion.example.com/" }).config?.publicUrl).toBe(
      "https://fusion.example.com",
    );
    expect(faultsOf({ ...safe, PUBLIC_URL: "http://fusion.example.com" })).toEqual([
      { variable: "PUBLIC_URL", fault: "must start with https:// in production" },
    ]);
  });

  it.each(["?", "?a=b", "#", "#here", "/?a=b", "/#here"])(
    "has no query or fragment in its public address, which is the issuer (RFC 8414 section 2): %s",
    (end) => {
      expect(faultsOf({ ...safe, PUBLIC_URL: `https://fusion.example.com${end}` })).toEqual([
        { variable: "PUBLIC_URL", fault: expect.stringContaining("without a path") },
      ]);
    },
  );

  it("takes no SMS gateway with a user or a password in its address, which could not be called", () => {
    for (const SMS_GATEWAY_URL of ["https://user:pass@sms.example.com", "https://user@sms.example.com"])
      expect(faultsOf({ ...safe, SMS_GATEWAY_URL })).toEqual([
        { variable: "SMS_GATEWAY_URL", fault: expect.stringContaining("SMS_GATEWAY_TOKEN") },
      ]);
  });

  it("lists everything that is missing at once", () => {
    const missing = faultsOf({ FUSION_ENV: "production" }).map(({ variable }) => variable);
    expect(missing).toEqual(
      Object.keys(variables).filter((name) => name in safe && name !== "FUSION_ENV" && name !== "HOST"),
    );
  });

  it("lists wrong, unsafe and missing settings together, each once", () => {
    const { SMTP_URL: _, ...rest } = safe;
    const faults = faultsOf({
      ...rest,
      PORT: "99999",
      PUBLIC_URL: "http://fusion.example.com",
      MIGRATION_DATABASE_URL: "postgres://app:other@db.example.com/fusion?sslmode=require",
      FUSION_ROOT_KEY: "c2hvcnQ=",
      SMS_GATEWAY_URL: "http://sms.example.com",
      TRUSTED_PROXIES: "10.0.0.0/8, nonsense",
    });
    expect(faults.map(({ variable }) => variable)).toEqual([
      "PORT",
      "PUBLIC_URL",
      "MIGRATION_DATABASE_URL",
      "FUSION_ROOT_KEY",
      "SMTP_URL",
      "SMS_GATEWAY_URL",
      "TRUSTED_PROXIES",
    ]);
  });

  it("names options in the URLs of its sessions, which would replace its own", () => {
    const url = `${safe.DATABASE_URL}${safe.DATABASE_URL.includes("?") ? "&" : "?"}options=-c%20geqo%3Don`;
    const fault = expect.stringMatching(/^must not have options/);
    expect(faultsOf({ ...safe, DATABASE_URL: url, DIRECT_DATABASE_URL: url, PORT: "99999" })).toEqual([
      { variable: "PORT", fault: expect.any(String) },
      { variable: "DATABASE_URL", fault },
      { variable: "DIRECT_DATABASE_URL", fault },
    ]);
  });

  it("judges an unreadable mode by production's rules", () => {
    expect(faultsOf({ FUSION_ENV: "prod" }).map(({ variable }) => variable)).toContain("FUSION_ROOT_KEY");
  });

  it("never repeats a value, which may be a secret", () => {
    const faults = faultsOf({
      ...safe,
      DATABASE_URL: "mysql://hunter2",
      FUSION_ROOT_KEY: "hunter2",
      SMTP_URL: "http://hunter2",
      MAIL_FROM: "hunter2",
    });
    expect(faults.length).toBe(4);
    expect(JSON.stringify(faults)).not.toContain("hunter2");
  });
});

describe("each variable", () => {
  it.each([
    ["PORT", "0"],
    ["PORT", "80.5"],
    ["PORT", "0x50"],
    ["PUBLIC_URL", "http://127.0.0.1/path"],
    ["PUBLIC_URL", "javascript:alert(1)"],
    ["DATABASE_URL", "localhost/fusion"],
    ["TRUSTED_PROXIES", "10.0.0.0/33"],
    ["TRUSTED_PROXIES", "all"],
    ["TRUSTED_PROXIES", ","],
    ["TRUSTED_PROXIES", " , ,"],
    ["LOG_LEVEL", "loud"],
    ["MAIL_FROM", "Fusion <a@b>\nBcc: c@d"],
    ["API_REQUESTS_PER_SECOND", "-1"],
    ["FUSION_HA", "yes"],
  ])("refuses %s=%s", (variable, value) => {
    expect(faultsOf({ [variable]: value })).toEqual([{ variable, fault: expect.any(String) }]);
  });

  it("takes proxies as addresses and ranges", () => {
    expect(readConfig({ TRUSTED_PROXIES: "10.0.0.0/8, ::1,192.0.2.1" }).config?.trustedProxies).toEqual([
      "10.0.0.0/8",
      "::1",
      "192.0.2.1",
    ]);
  });

  it("uses the direct connection past a pooler for the owner too, unless told otherwise", () => {
    const url = "postgres://app@pooler/fusion";
    const directUrl = "postgres://app@primary/fusion";
    expect(readConfig({ DATABASE_URL: url }).config?.database).toMatchObject({
      directUrl: url,
      migrationUrl: url,
    });
    expect(readConfig({ DATABASE_URL: url, DIRECT_DATABASE_URL: directUrl }).config?.database).toEqual({
      kind: "external",
      url,
      directUrl,
      migrationUrl: directUrl,
      strictDurability: false,
    });
    expect(faultsOf({ DIRECT_DATABASE_URL: directUrl })).toEqual([
      { variable: "DATABASE_URL", fault: expect.stringContaining("DIRECT_DATABASE_URL") },
    ]);
  });

  it("demands commits that survive a failover of an external database alone", () => {
    expect(faultsOf({ FUSION_HA: "strict" })).toEqual([
      { variable: "FUSION_HA", fault: expect.stringContaining("embedded database, which has no standby") },
    ]);
    expect(readConfig({ ...safe, FUSION_HA: "strict" }).config?.database).toMatchObject({
      strictDurability: true,
    });
  });

  it("says that an owner's connection alone is not enough", () => {
    expect(faultsOf({ MIGRATION_DATABASE_URL: "postgres://a@b/c" })).toEqual([
      { variable: "DATABASE_URL", fault: expect.stringContaining("MIGRATION_DATABASE_URL") },
    ]);
  });
});

describe("what a process does", () => {
  it("is named in any order, and once", () => {
    expect(readConfig({ FUSION_ROLES: "jobs, console,jobs" }).config?.roles).toEqual(["console", "jobs"]);
  });

  it.each(["", "web", "console,", "all", "console;api"])("refuses %j", (FUSION_ROLES) => {
    const fault = "must name some of console, api and jobs, separated by commas";
    expect(faultsOf({ FUSION_ROLES })).toEqual(
      FUSION_ROLES === "" ? [] : [{ variable: "FUSION_ROLES", fault }],
    );
  });

  it("announces its end in production for a while unless told otherwise", () => {
    expect(readConfig(safe).config?.drainMs).toBe(5_000);
    expect(readConfig({ ...safe, FUSION_DRAIN_SECONDS: "30" }).config?.drainMs).toBe(30_000);
  });

  it.each([
    ["FUSION_WORKERS", "0", "must be a number from 1 to 64"],
    ["FUSION_WORKERS", "65", "must be a number from 1 to 64"],
    ["FUSION_DRAIN_SECONDS", "-1", "must be a number from 0 to 300"],
    ["METRICS_PORT", "8080", "must be another port than PORT"],
  ])("refuses %s=%s", (variable, text, fault) => {
    expect(faultsOf({ [variable]: text })).toEqual([{ variable, fault }]);
  });
});
