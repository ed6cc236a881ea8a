import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Rule } from "./check-history.ts";
import type { FaultName } from "./faults.ts";

// Ways to break the protocol, one line each. If the test could not find them, its finding nothing would mean nothing.

export interface Mutation {
  readonly name: string;
  /** The changes to the server's source. Each `from` must occur exactly that often (once by default). */
  readonly edits: readonly {
    readonly file: string;
    readonly from: string;
    readonly to: string;
    readonly times?: number;
  }[];
  /** The faults that provoke it. */
  readonly faults: readonly FaultName[];
  readonly fillDelayMs?: number;
  /** It breaks one of these rules. */
  readonly breaks: readonly Rule[];
}

export const mutations: readonly Mutation[] = [
  {
    name: "a fill is not compared with newer revocations",
    edits: [
      {
        file: "src/leases/memory.ts",
        from: `      if (isSuperseded(tokenSubject(hash), reading.epoch)) return "superseded";\n`,
        to: "",
      },
    ],
    faults: ["clock an hour ahead"],
    fillDelayMs: 600,
    breaks: ["acceptedAfterAnswer"],
  },
  {
    name: "a revoke does not wait for the nodes",
    edits: [
      {
        file: "src/tokens/revocation/revoke-token.ts",
        from: "await deps.nodes.untilAllKnow(await epoch)",
        to: "{ confirmed: 0, total: 0 }",
      },
    ],
    faults: ["network black hole", "network delay", "listener cut"],
    breaks: ["acceptedAfterAnswer"],
  },
  {
    name: "a token that is read as revoked is refused before the other nodes know",
    edits: [
      {
        file: "src/tokens/check/check-token.ts",
        from: `      if (found?.refusal === "token_revoked") await untilRefusedEverywhere(nodes, epoch);\n`,
        to: "",
      },
    ],
    faults: ["network black hole", "network delay", "listener cut"],
    breaks: ["acceptedAgain"],
  },
  {
    name: "the wall clock measures the lease",
    edits: [
      {
        file: "src/leases/lease.ts",
        from: "clock.monotonicMs()",
        to: "clock.now().getTime()",
        times: 3,
      },
    ],
    faults: ["cut off with the clock set back"],
    breaks: ["acceptedAfterAnswer"],
  },
  {
    name: "the lease counts from the end of its renewal",
    edits: [
      {
        file: "src/leases/node.ts",
        from: "lease.grant(sent, renewal.databaseMs);",
        to: "lease.grant(momentOf(clock), renewal.databaseMs);",
      },
    ],
    faults: ["network delay"],
    breaks: ["acceptedAfterAnswer"],
  },
  {
    name: "a transfer's token is checked before its transaction instead of in it",
    edits: [
      {
        file: "src/transfers/run-batch.ts",
        from: `if (refusal !== "-") {`,
        to: `if (refusal !== "-" && refusal !== "token_revoked") {`,
      },
    ],
    faults: ["freeze"],
    breaks: ["committedAfterRevoke"],
  },
];

const repository = join(import.meta.dirname, "../..");

/** A file of the server with a mutation's edits. Throws if a text to be changed does not occur as often as it should. */
export function mutate(mutation: Mutation, file: string, source: string): string {
  let changed = source;
  for (const { from, to, times = 1 } of mutation.edits.filter((edit) => edit.file === file)) {
    const found = changed.split(from).length - 1;
    if (found !== times)
      throw new Error(
        `The mutation "${mutation.name}" expects this ${times} time(s) in server/${file}, and it is there ${found} time(s):\n${from}`,
      );
    changed = changed.replaceAll(from, to);
  }
  return changed;
}

/** The files that a mutation changes, before and after. */
export function editedFiles(mutation: Mutation): { file: string; source: string; mutated: string }[] {
  return [...new Set(mutation.edits.map(({ file }) => file))].map((file) => {
    const source = readFileSync(join(repository, "server", file), "utf8");
    return { file, source, mutated: mutate(mutation, file, source) };
  });
}

/** A copy of the server that can be changed and run: its own source, the repository's packages and pages. */
export function copyServer(): { readonly serverFolder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "fusion-mutation-"));
  const serverFolder = join(folder, "server");
  for (const part of ["src", "migrations", "package.json"])
    cpSync(join(repository, "server", part), join(serverFolder, part), { recursive: true });
  for (const shared of ["node_modules", "contract", "console", "docs", "package.json"])
    symlinkSync(join(repository, shared), join(folder, shared));
  return { serverFolder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export function applyMutation(mutation: Mutation, serverFolder: string): void {
  for (const { file, mutated } of editedFiles(mutation)) writeFileSync(join(serverFolder, file), mutated);
}
