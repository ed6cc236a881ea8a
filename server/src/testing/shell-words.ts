/** Splits a command into words as a POSIX shell would: quotes, backslashes, and `$NAME` outside single quotes. */
function shellWords(command: string, variables: Readonly<Record<string, string>> = {}): string[] {
  const words: string[] = [];
  const part = /\\\n|\\(.)|'([^']*)'|"((?:[^"\\]|\\.)*)"|([^\s'"\\]+)|(\s+)/gs;
  let word: string | undefined;
  const fill = (text: string): string =>
    text.replaceAll(/\$(\w+)/g, (_all, name: string) => variables[name] ?? "");
  for (const [, escaped, single, double, bare, space] of command.matchAll(part)) {
    if (space !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    const text = escaped ?? single ?? (double !== undefined ? fill(double) : bare && fill(bare));
    if (text !== undefined) word = (word ?? "") + text;
  }
  return word === undefined ? words : [...words, word];
}

/** The request that a `curl` command makes, limited to what the reference's commands use: `-X`, `-H`, `-d` and an address. */
export function requestOfCurl(
  command: string,
  variables: Readonly<Record<string, string>>,
): { method: string; url: string; headers: Record<string, string>; payload?: string } {
  const [program, ...words] = shellWords(command, variables);
  if (program !== "curl") throw new Error(`not a curl command: ${command}`);
  const headers: Record<string, string> = {};
  let method: string | undefined;
  let url = "";
  let payload: string | undefined;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    if (!word.startsWith("-")) {
      url = word;
      continue;
    }
    at += 1;
    const value = words[at] ?? "";
    if (word === "-X") method = value;
    else if (word === "-d") payload = value;
    else if (word === "-H")
      headers[value.slice(0, value.indexOf(":"))] = value.slice(value.indexOf(":") + 1).trim();
    else throw new Error(`curl ${word} is not understood`);
  }
  return {
    method: method ?? (payload === undefined ? "GET" : "POST"),
    url,
    headers,
    ...(payload === undefined ? {} : { payload }),
  };
}
