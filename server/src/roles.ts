import { pathsOfEveryProcess, pathsOfPeopleAndPrograms, pathsOfPrograms } from "./top-level-paths.ts";

/** What a process does: serve the console, serve the APIs of programs, publish events and work off jobs. */
export const roles = ["console", "api", "jobs"] as const;
export type Role = (typeof roles)[number];

/** Whether a process of these roles answers this path. A path that belongs to nothing else is a page of the console. */
export function isServed(served: readonly Role[], path: string): boolean {
  const isBelow = (prefix: string): boolean => path === prefix || path.startsWith(`${prefix}/`);
  if (pathsOfEveryProcess.some((one) => one === path)) return true;
  if (pathsOfPeopleAndPrograms.some(isBelow)) return served.includes("console") || served.includes("api");
  return served.includes(pathsOfPrograms.some(isBelow) ? "api" : "console");
}
