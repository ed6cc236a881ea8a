import type { ApplicationSummary } from "@fusion/contract/applications.ts";

/** From this many applications on there is a search: they are more than a glance takes in. */
export const searchedFrom = 11;

/**
 * The applications in which each word of `find` occurs: in the name, the description, the fintech's name, its client id, or at the
 * beginning of the application id.
 */
export function matching<Application extends ApplicationSummary>(
  applications: readonly Application[],
  find: string,
): Application[] {
  const words = find.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return applications.filter(({ applicationId, name, description, fintechName, clientId }) => {
    const text = [name, description, fintechName, clientId].join(" ").toLocaleLowerCase();
    return words.every((word) => text.includes(word) || applicationId.toLowerCase().startsWith(word));
  });
}

/** Text that is safe in an address: of a pasted token only the last four characters remain, which its hint shows too. */
export function withoutTokens(text: string): string {
  return text.replaceAll(/fus_(?:live|test)_[0-9A-Za-z]*([0-9A-Za-z]{4})/g, "$1");
}

/** Live before sandbox, then by name. */
export function inOrder<Application extends ApplicationSummary>(
  applications: readonly Application[],
): Application[] {
  return applications.toSorted(
    (a, b) =>
      a.environment.localeCompare(b.environment) || a.name.localeCompare(b.name, "en", { numeric: true }),
  );
}
