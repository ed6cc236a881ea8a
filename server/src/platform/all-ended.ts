/** Like `Promise.all`, but if one fails it still waits for the others: none of them runs any more when the caller goes on or ends. */
export async function allEnded<Result>(running: readonly Promise<Result>[]): Promise<Result[]> {
  await Promise.allSettled(running);
  return Promise.all(running);
}
