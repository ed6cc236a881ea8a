import type { TokenPrincipal } from "../access/principal.ts";
import type { Transaction } from "../platform/database/database.ts";
import { answerOnce } from "./answer-once.ts";
import { ApplicationNotUpdated, HolderPartsExceeded } from "./errors.ts";
import type { HolderApplication } from "./individual.ts";
import type { ProvisionDependencies } from "./provision-holder.ts";
import { changePending } from "./read-application.ts";

// Free-form sections of an application, which can be added and corrected until the bank has decided (wire contract, section 4.5).

export type Sections = Readonly<Record<string, unknown>>;

const sectionsMax = 20;
/** The most that all sections together may have, as JSON, so that no answer grows without end. */
const charactersMax = 128 * 1024;

interface SectionInput {
  readonly applicationNumber: string;
  readonly name: string;
  readonly section: Readonly<Record<string, unknown>>;
}

/**
 * Adds a section, once per request id. Throws {@link ApplicationNotUpdated} when one of that name exists, and what {@link setSection}
 * throws.
 */
export async function addSection(
  deps: ProvisionDependencies,
  tx: Transaction,
  caller: Pick<TokenPrincipal, "tenant" | "tokenId">,
  { requestId, ...input }: SectionInput & { readonly requestId: string | undefined },
): Promise<HolderApplication> {
  const { applicationNumber, name, section } = input;
  return answerOnce(deps, tx, caller, { operation: "application-section", requestId, content: input }, () =>
    changePending(deps, tx, caller.tenant, applicationNumber, (application) => {
      if (Object.hasOwn(application.sections ?? {}, name))
        throw new ApplicationNotUpdated("it has a section of that name already");
      return { ...application, sections: withinMax({ ...application.sections, [name]: section }) };
    }),
  );
}

/**
 * Replaces a section. Throws {@link ApplicationNotUpdated} (AR4000016) when none of that name exists, {@link HolderPartsExceeded}, and what
 * `changePending` throws.
 */
export async function setSection(
  deps: ProvisionDependencies,
  tx: Transaction,
  { tenant }: Pick<TokenPrincipal, "tenant">,
  { applicationNumber, name, section }: SectionInput,
): Promise<HolderApplication> {
  return changePending(deps, tx, tenant, applicationNumber, (application) => {
    if (!Object.hasOwn(application.sections ?? {}, name))
      throw new ApplicationNotUpdated("it has no section of that name");
    return { ...application, sections: withinMax({ ...application.sections, [name]: section }) };
  });
}

/** Returns the sections. Throws {@link HolderPartsExceeded} when they are more than an application may have. */
export function withinMax(sections: Sections): Sections {
  if (Object.keys(sections).length > sectionsMax || JSON.stringify(sections).length > charactersMax)
    throw new HolderPartsExceeded("sections");
  return sections;
}
