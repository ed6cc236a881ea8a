/** Where a command writes: facts for programs with --json, else lines for people. */
export interface Output {
  readonly json: boolean;
  /** The result of a command: its facts, and what people read instead. */
  result(facts: object, lines: readonly string[]): void;
  /** What a person should know besides; a program that asked for JSON is not told. */
  note(sentence: string): void;
  /** What went wrong, in one sentence. */
  failure(code: string, message: string): void;
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
    failure(code, message) {
      const sentence = message.replaceAll(/\s+/g, " ").trim();
      streams.err(json ? `${JSON.stringify({ error: { code, message: sentence } })}\n` : `${sentence}\n`);
    },
  };
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
