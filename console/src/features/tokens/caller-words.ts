/** "20 of 35 callers are listed."; nothing if every caller that can be told apart is listed. */
export function callersListedWords({
  listed,
  total,
}: {
  readonly listed: number;
  readonly total: number;
}): string | null {
  return listed < total ? `${listed} of ${total.toLocaleString("en-IN")} callers are listed.` : null;
}
