import { relative } from "node:path";
import type { Config } from "./config.ts";

/** Someone of the demonstration data who can log in. */
export interface DemonstrationPerson {
  readonly name: string;
  /** Such as `admin of Paisa Pocket`. */
  readonly what: string;
  readonly phone: string | null;
  readonly email: string;
}

/** What the terminal says when everything runs. */
export function greeting(config: Config, people: readonly DemonstrationPerson[]): string {
  if (config.mode === "production")
    return `Fusion serves ${config.publicUrl} on ${config.host}:${config.port}.\n`;
  const folder = relative(process.cwd(), config.dataFolder);
  const rows: [string, string][] = [
    ["Console", config.publicUrl],
    ["Messages", `${config.publicUrl}/dev/inbox   (codes, mail and SMS arrive here)`],
    ["API reference", `${config.publicUrl}/docs`],
    [
      "Data",
      config.database.kind === "embedded"
        ? folder === "" || folder.startsWith("..")
          ? config.dataFolder
          : `./${folder}`
        : "the database of DATABASE_URL",
    ],
  ];
  const lines = ["", "Fusion Token Management is running.", ""];
  for (const [label, value] of rows) lines.push(`  ${label.padEnd(14)} ${value}`);
  if (people.length > 0) {
    lines.push("", "Log in with a phone number or email; each person's first login sets the password.", "");
    const width = (pick: (person: DemonstrationPerson) => string): number =>
      Math.max(...people.map((person) => pick(person).length));
    const [names, phones, emails] = [
      width(({ name }) => name),
      width(({ phone }) => phone ?? ""),
      width(({ email }) => email),
    ];
    for (const { name, phone, email, what } of people)
      lines.push(
        `  ${name.padEnd(names)}   ${(phone ?? "").padEnd(phones)}   ${email.padEnd(emails)}   ${what}`,
      );
  }
  lines.push("", "Ctrl-C stops everything.", "", "");
  return lines.join("\n");
}
