import { CurrentSession } from "@fusion/contract/login.ts";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { get, isMissing, isProblem, post, problemFrom, problemWords } from "./api.ts";

const problem = {
  type: "/docs/errors/token_already_issued",
  title: "Token already issued",
  status: 409,
  detail: "This request made a token already.",
  code: "token_already_issued",
  request_id: "req_1",
  tokenId: "tok_1",
};

describe("an error answer", () => {
  test("keeps its code, words, request id and what the code brings along", () => {
    const error = problemFrom(409, problem, "req_0", null);
    expect(error).toMatchObject({ status: 409, code: "token_already_issued", requestId: "req_1" });
    expect(error.extensions).toEqual({ tokenId: "tok_1" });
    expect(problemWords(error)).toBe("This request made a token already.");
    expect(isProblem(error, "token_already_issued")).toBe(true);
  });

  test("gives each field its own words", () => {
    const errors = [{ pointer: "/name", detail: "is too long" }];
    const error = problemFrom(400, { ...problem, status: 400, errors }, undefined, null);
    expect(error.fieldError("/name")).toBe("is too long");
    expect(error.fieldError("/scopes")).toBeUndefined();
  });

  test("about an id that is none means that there is nothing, one about a field does not", () => {
    const refused = (pointer: string) =>
      problemFrom(400, { ...problem, status: 400, errors: [{ pointer, detail: "" }] }, undefined, null);
    expect(isMissing(problemFrom(404, { ...problem, status: 404 }, undefined, null))).toBe(true);
    expect(isMissing(refused("/tokenId"))).toBe(true);
    expect(isMissing(refused("/name"))).toBe(false);
  });

  test("that says when to try again is understood in seconds", () => {
    expect(problemFrom(429, problem, undefined, "30").retryAfterSeconds).toBe(30);
    expect(problemFrom(429, problem, undefined, "Tue, 24 Nov 2026").retryAfterSeconds).toBeUndefined();
  });

  test("that is no problem document, a proxy's page say, still reads as a sentence", () => {
    const error = problemFrom(502, undefined, "req_2", null);
    expect(error).toMatchObject({ status: 502, code: "unexpected_reply", requestId: "req_2" });
    expect(error.message).toMatch(/Try again/);
  });
});

test("an error that is not the server's does not show its inner words", () => {
  expect(problemWords(new TypeError("x is undefined"))).not.toContain("undefined");
});

test("a server that is silent for a minute did not answer, and a question that nobody waits for any more is no failure of its", async () => {
  vi.stubGlobal(
    "fetch",
    (_path: string, { signal }: { signal: AbortSignal }) =>
      new Promise((_resolve, reject) => {
        if (signal.aborted) reject(signal.reason);
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
  );
  const waited = vi.spyOn(AbortSignal, "timeout").mockReturnValueOnce(AbortSignal.abort());
  onTestFinished(() => {
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });
  const silent = post("/logout", {}, null).catch((error: unknown) => error);
  expect(await silent).toMatchObject({ status: 0, code: "no_answer" });
  expect(waited).toHaveBeenCalledWith(60_000);
  const nobody = new AbortController();
  const dropped = get("/session", CurrentSession, { signal: nobody.signal }).catch((error: unknown) => error);
  nobody.abort();
  expect(await dropped).toMatchObject({ name: "AbortError" });
});
