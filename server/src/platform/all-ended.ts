/** As `Promise.all`, but also where one fails it waits for the others: whoever asked may go on, or end, as nothing of it runs any more. */
export async function allEnded<Result>(running: readonly Promise<Result>[]): Promise<Result[]> {
  await Promise.allSettled(running);
  return Promise.all(running);
}
