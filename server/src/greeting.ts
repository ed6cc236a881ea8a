import type { Config } from "./config.ts";
import type { DemonstrationPerson } from "./demo/demonstration-data.ts";

/** What the terminal says when everything runs. */
export function greeting(config: Config, people: readonly DemonstrationPerson[]): string {
  if (config.mode === "production")
    return `Fusion serves ${config.publicUrl} on ${config.host}:${config.port}.\n`;
  const rows: [string, string][] = [
    ["Console", config.publicUrl],
    ["Messages", `${config.publicUrl}/dev/inbox   (codes, mail and SMS arrive here)`],
    ["API reference", `${config.publicUrl}/docs`],
    ["Data", config.database.kind === "embedded" ? config.dataFolder : "the database of DATABASE_URL"],
  ];
  const lines = ["", "Fusion Token Management is running.", ""];
  for (const [label, value] of rows) lines.push(`  ${label.padEnd(14)} ${value}`);
  if (people.length > 0) {
    lines.push("", "Log in with a phone number or email; a person's first login sets the password:", "");
    const [names, phones, emails] = (["name", "phone", "email"] as const).map((member) =>
      Math.max(...people.map((person) => person[member].length)),
    ) as [number, number, number];
    for (const { name, phone, email, what } of people)
      lines.push(`  ${name.padEnd(names)}   ${phone.padEnd(phones)}   ${email.padEnd(emails)}   ${what}`);
  }
  lines.push("", "Ctrl-C stops everything.", "", "");
  return lines.join("\n");
}
