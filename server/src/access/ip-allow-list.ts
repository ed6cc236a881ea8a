import { InvalidInput } from "../platform/errors.ts";
import { parseIpRange, rangeText } from "./ip-rules.ts";

/**
 * The list as it is stored, each range once. Throws {@link InvalidInput}, which names every entry that is not a range and says why, at
 * `/ipAllowList/0` and so on.
 */
export function readIpAllowList(entries: readonly string[]): string[] {
  const fieldErrors = entries.flatMap((entry, position) => {
    const range = parseIpRange(entry);
    return typeof range === "string"
      ? [{ pointer: `/ipAllowList/${position}`, detail: `${entry.slice(0, 64)} ${range}` }]
      : [];
  });
  if (fieldErrors.length > 0)
    throw new InvalidInput("Some entries of the IP allow-list are not as they should be.", { fieldErrors });
  return [...new Set(entries.map(rangeText))];
}
