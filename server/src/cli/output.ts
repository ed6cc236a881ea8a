/** Where a command writes: facts for programs with --json, else lines for people. */
export interface Output {
  readonly json: boolean;
  /** The result of a command: its facts, and what people read instead. */
  result(facts: object, lines: readonly string[]): void;
  /** Something else that a person should know; not written for a program that asked for JSON. */
  note(sentence: string): void;
  failure(failure: Failure): void;
}

export interface Failure {
  /** For scripts. */
  readonly code: string;
  /** What went wrong, in one sentence. */
  readonly message: string;
  /** What is known despite the failure. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

export interface Streams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

export function createOutput(streams: Streams, json: boolean): Output {
  return {
    json,
    result(facts, lines) {
      streams.out(json ? `${JSON.stringify(facts, plain, 2)}\n` : `${lines.join("\n")}\n`);
    },
    note(sentence) {
      if (!json) streams.err(`${sentence}\n`);
    },
    failure({ code, message, facts = {} }) {
      const sentence = message.replaceAll(/\s+/g, " ").trim();
      if (json) streams.err(`${JSON.stringify({ error: { code, message: sentence, ...facts } })}\n`);
      else
        streams.err(
          [
            sentence,
            ...Object.values(facts)
              .flat()
              .map((fact) => `  ${inWords(fact)}`),
            "",
          ].join("\n"),
        );
    },
  };
}

/** `receiptId rcp_…, tokenId tok_…`. */
function inWords(fact: unknown): string {
  if (typeof fact !== "object" || fact === null) return String(fact);
  return Object.entries(fact)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}

/** Money and counts as text, since a JSON number may lose digits. */
function plain(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

/** Label and value in two columns. */
export function facts(rows: readonly (readonly [label: string, value: string])[]): string[] {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`);
}

/** Columns as wide as their widest cell. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [header, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
