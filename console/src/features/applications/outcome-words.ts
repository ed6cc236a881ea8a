/** How much a search has left, in a few words. It leaves tokens out while their number is unknown (undefined). */
export function outcomeWords(found: {
  readonly applications: number;
  readonly of: number;
  readonly tokens: number | undefined;
  readonly more: boolean;
}): string {
  const { applications, of, tokens, more } = found;
  if (applications === 0 && tokens === 0) return "No application or token has this.";
  const words = [];
  if (applications > 0) words.push(`${counted(applications)} of ${counted(of)} applications`);
  if (tokens) words.push(tokens === 1 ? "1 token" : `${counted(tokens)}${more ? " or more" : ""} tokens`);
  return words.join(", ");
}

function counted(number: number): string {
  return number.toLocaleString("en-IN");
}
