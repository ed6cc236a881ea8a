import { HolderApplicationInvalid } from "../account-holders/errors.ts";
import { assert } from "../platform/errors.ts";
import { fieldName, type Issue, missingFieldsNamed } from "./fusion-error.ts";

// Expresses what is wrong with an application by the codes of wire contract, section 3.3.

/** Names the first mistake in `input` by its code of wire contract, section 3.3, and all of them in additionalInfo. */
export function invalidApplication(issues: readonly Issue[], input: unknown): HolderApplicationInvalid {
  const [first, ...others] = missingFieldsNamed(issues, input).map(({ instancePath = "", message }) => ({
    pointer: instancePath,
    detail: message ?? "is not valid",
  }));
  assert(first, "something is wrong with an application that is invalid");
  return new HolderApplicationInvalid(
    wireCodeOf(first.pointer, input),
    `Bad request: ${fieldName(first.pointer)}: ${first.detail}`,
    [first, ...others],
  );
}

function wireCodeOf(written: string, input: unknown): string {
  // Version 2 also takes the same fields in a section.
  const section = "/sections/accountHolderDetails";
  const inSection = written.startsWith(section);
  const pointer = inSection ? written.slice(section.length) : written;
  if (written === "" || written === "/") return "AR400022";
  if (pointer === "/ifiID") return "AR4000017";
  if (pointer === "/status") return "AR400019";
  if (pointer === "/formID") return "AR400004";
  if (pointer === "/firstName") return "AR400007";
  if (pointer === "/lastName") return "AR400008";
  if (/^(?:\/pops\/.*|\/address)?\/postCode$/.test(pointer)) return "AR400005";
  if (/^(?:\/pops\/.*|\/address)?\/country$/.test(pointer)) return "AR400006";
  if (/^\/kycDetails\/authData/.test(pointer)) return "AR4000011";
  const vector = vectorAt(pointer, inSection, input as Submission);
  return vector?.type === "p" ? "AR400009" : vector?.type === "e" ? "AR4000010" : "FU4000";
}

/** The vector whose value the pointer is about; undefined when it is about something else. */
function vectorAt(pointer: string, inSection: boolean, input: Submission): Vector | undefined {
  // A vector that is added to a holder stands alone.
  if (pointer === "/value") return input;
  const position = /^\/vectors\/(\d+)(?:\/value)?$/.exec(pointer)?.[1];
  if (position === undefined) return undefined;
  const { vectors } = (inSection ? input.sections?.accountHolderDetails : input) ?? {};
  return vectors?.[Number(position)];
}

interface Vector {
  readonly type?: unknown;
}

interface Submitted {
  readonly vectors?: readonly Vector[];
}

type Submission = Submitted & Vector & { readonly sections?: { readonly accountHolderDetails?: Submitted } };
