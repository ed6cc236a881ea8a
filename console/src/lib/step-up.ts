import { CodeSent, StepUpCode, StepUpDone } from "@fusion/contract/login.ts";
import { type QueryClient, queryOptions, skipToken, useQuery } from "@tanstack/react-query";
import { get, post } from "./api.ts";

export type CodeChannel = CodeSent["channel"];

/** The code with which the person can prove presence, and when each address may be sent another. */
export interface StepUpCodes {
  readonly last: { readonly sent: CodeSent; readonly sentAtMs: number; readonly used: boolean } | undefined;
  readonly nextAtMs: Partial<Readonly<Record<CodeChannel, number>>>;
}

const none: StepUpCodes = { last: undefined, nextAtMs: {} };

/** Outlives the dialog that asked for the code, so that coming back finds the field for it. */
const stepUpCodesQuery = queryOptions<StepUpCodes>({ queryKey: ["step-up-codes"], queryFn: skipToken });

export function useStepUpCodes(): StepUpCodes {
  return useQuery(stepUpCodesQuery).data ?? none;
}

/** Whether the code is worth typing: it is unused and, by the browser's clock, not expired. */
export function isGood({ sent, sentAtMs, used }: NonNullable<StepUpCodes["last"]>, atMs: number): boolean {
  return !used && sentAtMs + sent.expiresInSeconds * 1_000 > atMs;
}

/**
 * Asks the server for a code that is under way: a phone may drop the page while the SMS is read, another tab may have asked for the code,
 * or the answer to the sending was lost. Null where there is none, and where the server does not answer.
 */
export async function findStepUpCode(client: QueryClient): Promise<CodeSent | null> {
  const { sent } = await get("/step-up", StepUpCode).catch(() => ({ sent: null }));
  if (sent !== null) {
    note(client, { last: { sent, sentAtMs: Date.now(), used: false } });
    noteWait(client, sent.channel, sent.resendInSeconds);
  }
  return sent;
}

/** Sends a code to one of the person's own addresses; it replaces any earlier one. */
export async function startStepUp(client: QueryClient, channel: CodeChannel): Promise<void> {
  const sent = await post("/step-up/start", { channel }, CodeSent);
  note(client, { last: { sent, sentAtMs: Date.now(), used: false } });
  noteWait(client, channel, sent.resendInSeconds);
}

/** Notes that this address can be sent no other code for so many seconds. */
export function noteWait(client: QueryClient, channel: CodeChannel, seconds: number): void {
  const { nextAtMs } = codesOf(client);
  note(client, { nextAtMs: { ...nextAtMs, [channel]: Date.now() + seconds * 1_000 } });
}

/** Proves presence. */
export async function sendStepUpCode(client: QueryClient, code: string): Promise<void> {
  await post("/step-up/code", { code }, StepUpDone);
  const { last } = codesOf(client);
  note(client, { last: last && { ...last, used: true } });
}

function codesOf(client: QueryClient): StepUpCodes {
  return client.getQueryData<StepUpCodes>(stepUpCodesQuery.queryKey) ?? none;
}

function note(client: QueryClient, news: Partial<StepUpCodes>): void {
  client.setQueryData<StepUpCodes>(stepUpCodesQuery.queryKey, { ...codesOf(client), ...news });
}
