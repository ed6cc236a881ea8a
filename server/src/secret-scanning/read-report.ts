import type { SecretReport } from "@fusion/contract/secret-scanning.ts";
import { InvalidInput } from "../platform/errors.ts";

export type ReportEntry = SecretReport[number];

/**
 * The entries of a report whose signature was verified. Its sender is known, and what it found is public, so an odd entry must not keep the
 * tokens of the others alive: a value that is not text counts as missing, and of a repeated key the last value counts. An entry without a
 * token's text has nothing that could be answered and is left out. Throws `invalid_input` for anything that is not a list.
 */
export function readReport(body: Buffer): ReportEntry[] {
  let report: unknown;
  try {
    report = JSON.parse(body.toString("utf8").replace(/^\uFEFF/, ""));
  } catch {
    throw notAReport("The report is not JSON.");
  }
  if (!Array.isArray(report) || report.length === 0) throw notAReport("The report is not a list of matches.");
  return report.map(readEntry).filter((entry) => entry !== undefined);
}

function readEntry(entry: unknown): ReportEntry | undefined {
  const { token, type, url, source } = (entry ?? {}) as Record<string, unknown>;
  if (typeof token !== "string") return undefined;
  return { token, type: textOf(type) ?? "", url: textOf(url), source: textOf(source) };
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function notAReport(detail: string): InvalidInput {
  return new InvalidInput(detail, { fieldErrors: [{ pointer: "", detail }] });
}
