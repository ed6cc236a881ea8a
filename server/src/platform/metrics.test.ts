import { afterEach, expect, it } from "vitest";
import { arrangeApplication, arrangeFintech, arrangeUser } from "../testing/fixtures.ts";
import { createTestApp, type TestApp } from "../testing/test-app.ts";
import { arrangeToken } from "../testing/token-fixture.ts";
import type { Metrics } from "./metrics.ts";
import { mergeExpositions, serveMetrics } from "./metrics-endpoint.ts";
import { createMetrics } from "./prometheus.ts";

const closing: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const it of closing.splice(0)) await it.close();
});

async function appWith(metrics: Metrics): Promise<TestApp> {
  const app = await createTestApp({ parts: { metrics } });
  closing.push(app);
  return app;
}

/** The value of one series. */
function figure(text: string, series: string): number | undefined {
  const line = text.split("\n").find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

it("counts requests by method, route pattern and status, and never by what callers make up", async () => {
  const metrics = createMetrics();
  const { http } = await appWith(metrics);
  await http.inject("/healthz");
  await http.inject("/healthz");
  const secret = "fus_test_canary0000000000000000000000000";
  for (let at = 0; at < 50; at += 1)
    await http.inject({
      url: `/api/v1/ifi/${at}/accounts/acc-${at}/balance?token=${secret}`,
      headers: { "x-zeta-authtoken": secret },
    });
  for (let at = 0; at < 50; at += 1) await http.inject({ method: "POST", url: `/made-up-${at}/${secret}` });
  const text = await metrics.text();
  expect(figure(text, 'fusion_http_requests_total{method="GET",route="/healthz",status="200"}')).toBe(2);
  expect(figure(text, 'fusion_http_requests_total{method="POST",route="(none)",status="404"}')).toBe(50);
  const series = text.split("\n").filter((line) => line.startsWith("fusion_http_requests_total{"));
  expect(series.length).toBe(3);
  expect(figure(text, 'fusion_http_request_duration_seconds_count{method="GET",route="/healthz"}')).toBe(2);
  expect(text).not.toMatch(/canary|made-up|acc-\d/);
});

it("tells connections, jobs, the sizes of batches, and the runtime's own figures", async () => {
  const metrics = createMetrics();
  const { app } = await appWith(metrics);
  const forget = app.jobs.find((room) => "webhooks-forget" in room.tasks)?.tasks["webhooks-forget"];
  await forget?.({});
  const text = await metrics.text();
  expect(figure(text, 'fusion_jobs_total{task="webhooks-forget",outcome="done"}')).toBe(1);
  expect(figure(text, 'fusion_job_duration_seconds_count{task="webhooks-forget"}')).toBe(1);
  expect(figure(text, 'fusion_database_connections_max{pool="main"}')).toBe(10);
  expect(figure(text, 'fusion_database_waiting{pool="main"}')).toBe(0);
  expect(text).toContain("# TYPE fusion_transfer_batch_size histogram");
  for (const own of [
    "process_resident_memory_bytes",
    "nodejs_eventloop_lag_p99_seconds",
    "process_cpu_seconds_total",
  ])
    expect([own, figure(text, own)]).toEqual([own, expect.any(Number)]);
});

it("tells, as /readyz does, whether commits survive a failover where that is demanded", async () => {
  const metrics = createMetrics();
  const faults: string[] = [];
  const app = await createTestApp({
    parts: { metrics, durability: { faults: () => faults, stop: () => undefined } },
  });
  closing.push(app);
  const told = async () => [
    (await app.http.inject("/readyz")).json().durable,
    figure(await metrics.text(), "fusion_durable"),
  ];
  expect(await told()).toEqual([true, 1]);
  faults.push("No standby streams from the primary.");
  expect(await told()).toEqual([false, 0]);
});

it("tells whether the process may answer from memory, how far it has followed revocations, and what it remembers", async () => {
  const metrics = createMetrics();
  const { app, database } = await appWith(metrics);
  expect(figure(await metrics.text(), "fusion_lease_left_seconds")).toBe(0);
  const fintech = await arrangeFintech(database.owner);
  const person = await arrangeUser(database.owner, fintech, "fintech_admin");
  const token = await arrangeToken(database.owner, await arrangeApplication(database.owner, fintech), person);
  const check = () =>
    app.http.inject({ url: "/gateway/check", headers: { "x-zeta-authtoken": token.secret } });
  expect((await check()).statusCode).toBe(200);
  const text = await metrics.text();
  expect(figure(text, "fusion_lease_left_seconds")).toBeGreaterThan(0);
  for (const state of ["live", "silent"])
    expect([state, figure(text, `fusion_nodes{state="${state}"}`)]).toEqual([state, expect.any(Number)]);
  expect(figure(text, 'fusion_token_memory_tokens{state="live"}')).toBe(1);
  expect(figure(text, "fusion_token_memory_bytes")).toBeGreaterThan(100);
  await database.owner.query(
    `UPDATE token SET revoked_at = now(), revoked_by_kind = 'system', revoked_by = 'test', revoked_by_name = 'Test',
       revoke_reason = 'compromised' WHERE token_id = $1`,
    [token.tokenId],
  );
  await database.untilNodesKnow();
  const afterwards = await metrics.text();
  expect(figure(afterwards, 'fusion_token_memory_tokens{state="live"}')).toBe(0);
  expect(figure(afterwards, "fusion_lease_epoch")).toBeGreaterThan(
    figure(text, "fusion_lease_epoch") ?? Number.POSITIVE_INFINITY,
  );
});

it("reads a gauge when it is asked, with one value or one for each label", async () => {
  const metrics = createMetrics();
  let age = 1;
  metrics.gauge({ name: "fusion_age_seconds", help: "Age.", read: () => age });
  metrics.gauge({
    name: "fusion_things",
    help: "Things.",
    labels: ["state"],
    read: async () => [{ labels: { state: "old" }, value: 3 }],
  });
  age = 7;
  const text = await metrics.text();
  expect(figure(text, "fusion_age_seconds")).toBe(7);
  expect(figure(text, 'fusion_things{state="old"}')).toBe(3);
});

it("shows several processes' figures as one, each metric described once", async () => {
  const texts = await Promise.all(
    ["1", "2"].map((process) => {
      const metrics = createMetrics({ process });
      metrics
        .counter({ name: "fusion_calls_total", help: "Calls.", labels: ["outcome"] })
        .add({ outcome: "ok" });
      return metrics.text();
    }),
  );
  const merged = mergeExpositions(texts);
  expect(merged.match(/^# TYPE fusion_calls_total counter$/gm)).toHaveLength(1);
  for (const process of ["1", "2"])
    expect(figure(merged, `fusion_calls_total{outcome="ok",process="${process}"}`)).toBe(1);
  // Prometheus wants all series of a metric together, below its description.
  const names = [...merged.matchAll(/^# HELP (\S+)/gm)].map(([, name]) => name);
  expect(new Set(names).size).toBe(names.length);
});

it("is served on loopback alone, and nothing else is", async () => {
  const port = 20_000 + Math.floor(Math.random() * 40_000);
  closing.push(await serveMetrics(port, async () => "fusion_one 1\n"));
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(await answer.text()).toBe("fusion_one 1\n");
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
  expect((await fetch(`http://127.0.0.1:${port}/metrics`, { method: "POST" })).status).toBe(405);
});
