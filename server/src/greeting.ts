import type { Config } from "./config.ts";
import type { DemonstrationPerson } from "./demo/demonstration-data.ts";
import { roles } from "./roles.ts";

/** The text on the terminal when everything runs. */
export function greeting(config: Config, people: readonly DemonstrationPerson[]): string {
  const does = config.roles.length < roles.length ? ` (${config.roles.join(", ")})` : "";
  const workers =
    config.workers === null ? "" : ` with ${config.workers} ${config.workers === 1 ? "worker" : "workers"}`;
  if (config.mode === "production")
    return `Fusion serves ${config.publicUrl} on ${config.host}:${config.port}${does}${workers}.\n`;
  const servesConsole = config.roles.includes("console");
  const rows: [string, string][] = [];
  if (servesConsole)
    rows.push(
      ["Console", config.publicUrl],
      ["Messages", `${config.publicUrl}/dev/inbox   (codes, mail and SMS arrive here)`],
    );
  if (servesConsole || config.roles.includes("api")) rows.push(["API reference", `${config.publicUrl}/docs`]);
  rows.push([
    "Data",
    config.database.kind === "embedded" ? config.dataFolder : "the database of DATABASE_URL",
  ]);
  const lines = ["", `Fusion Token Management is running${does}${workers}.`, ""];
  for (const [label, value] of rows) lines.push(`  ${label.padEnd(14)} ${value}`);
  if (people.length > 0 && servesConsole) {
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
