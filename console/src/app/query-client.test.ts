import { onlineManager, QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiProblem } from "../lib/api.ts";
import { holdPage } from "../lib/held-page.ts";
import { createQueryClient } from "./query-client.ts";

const refusal = {
  title: "",
  detail: "",
  type: "",
  status: 401,
  code: "session_required",
  request_id: "req_1",
};
const session = {
  user: { userId: "usr_00000000000000000001", name: "Asha Rao", role: "fintech_admin", identities: [] },
  fintech: null,
  sessionId: "ses_00000000000000000001",
  idleTimeoutSeconds: 900,
  expiresAt: "2026-11-24T05:30:00.000Z",
  endsInSeconds: 900,
  endsFor: "idle",
  steppedUpUntil: null,
};

const leave = vi.fn();
let loggedIn = false;
const client = createQueryClient(leave);
const ended = () =>
  client
    .fetchQuery({
      queryKey: ["anything"],
      queryFn: () => Promise.reject(new ApiProblem({ status: 401, code: "session_required", detail: "" })),
    })
    .catch(() => undefined);

beforeEach(() => {
  vi.stubGlobal("fetch", () =>
    Promise.resolve(loggedIn ? Response.json(session) : Response.json(refusal, { status: 401 })),
  );
});
afterEach(() => {
  vi.unstubAllGlobals();
  leave.mockClear();
  client.clear();
});

test("a page whose session has ended is left", async () => {
  await ended();
  expect(leave).toHaveBeenCalledOnce();
});

test("a page that is held is not left before it is free, be it by a query or a change that is refused", async () => {
  loggedIn = false;
  const letGo = [holdPage(), holdPage()];
  await ended();
  const change = client.getMutationCache().build(client, {
    mutationFn: () => Promise.reject(new ApiProblem({ status: 401, code: "session_required", detail: "" })),
  });
  await change.execute(undefined).catch(() => undefined);
  letGo[0]?.();
  await ended();
  expect(leave).not.toHaveBeenCalled();
  letGo[1]?.();
  await vi.waitFor(() => expect(leave).toHaveBeenCalledOnce());
});

test("a page that was held stays where the person has logged in again meanwhile", async () => {
  const letGo = holdPage();
  await ended();
  loggedIn = true;
  letGo();
  await vi.waitFor(() => expect(client.getQueryData(["session"])).toMatchObject({ user: session.user }));
  expect(leave).not.toHaveBeenCalled();
});

test("without a network a question fails, like one that is not answered, and does not wait unseen", async () => {
  onlineManager.setOnline(false);
  const question = new QueryObserver(client, {
    queryKey: ["live"],
    queryFn: () => Promise.reject(new ApiProblem({ status: 0, code: "no_answer", detail: "" })),
    initialData: "old",
    retry: false,
  });
  const end = question.subscribe(() => undefined);
  void question.refetch();
  await vi.waitFor(() => expect(question.getCurrentResult().isRefetchError).toBe(true));
  end();
  onlineManager.setOnline(true);
});
