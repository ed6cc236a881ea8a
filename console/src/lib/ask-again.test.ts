import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { expect, test, vi } from "vitest";
import { askAgain } from "./ask-again.ts";

test("a first answer that was read before the change is not taken for the one after it", async () => {
  const client = new QueryClient();
  const answers: ((answer: string) => void)[] = [];
  const observer = new QueryObserver(client, {
    queryKey: ["reminders"],
    queryFn: ({ signal }) =>
      new Promise<string>((resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        answers.push(resolve);
      }),
  });
  const leave = observer.subscribe(() => undefined);
  const again = askAgain(client);
  await vi.waitFor(() => expect(answers).toHaveLength(2));
  answers[0]?.("before");
  answers[1]?.("after");
  await again;
  expect(observer.getCurrentResult().data).toBe("after");
  leave();
});

test("what nobody shows yet, as it is loaded for another page, is not broken off", async () => {
  const client = new QueryClient();
  let answer: (text: string) => void = () => undefined;
  const loading = client.fetchQuery({
    queryKey: ["next page"],
    queryFn: () =>
      new Promise<string>((resolve) => {
        answer = resolve;
      }),
  });
  await askAgain(client);
  answer("loaded");
  expect(await loading).toBe("loaded");
});
