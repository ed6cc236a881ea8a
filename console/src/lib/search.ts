import type { ApplicationSummary } from "@fusion/contract/applications.ts";

/** More applications than a glance takes in: then they can be searched. */
export const searchedFrom = 11;

/** The applications in which each word of `find` stands: in the name, the description, the fintech's name, its client id, or, from its beginning, the application id. */
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

/** What may stand in an address: of a token that somebody pastes only the end remains, which its hint shows, too. */
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
