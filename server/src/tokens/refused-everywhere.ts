import { LeaseUnavailable } from "../leases/errors.ts";
import type { Nodes } from "../leases/nodes.ts";

/**
 * Resolves when every node refuses what was revoked at this epoch: only then may anyone be told that it is revoked. Throws {@link
 * LeaseUnavailable} when that cannot be known, and not `ChangeUnconfirmed`: a caller who is refused has changed nothing.
 */
export async function untilRefusedEverywhere(
  nodes: Pick<Nodes, "untilAllKnow">,
  epoch: number,
): Promise<void> {
  try {
    await nodes.untilAllKnow(epoch);
  } catch (error) {
    throw new LeaseUnavailable(error);
  }
}
