import { HolderApplicationInvalid } from "../account-holders/errors.ts";

// What is wrong with an application, by the codes of wire contract, section 3.3.

/** Names the first thing that is wrong with its code of wire contract, section 3.3, and all of them in additionalInfo. */
export function invalidApplication(
  issues: readonly { instancePath: string; message?: string | undefined }[],
  body: unknown,
): HolderApplicationInvalid {
  const [first] = issues;
  const field = (first?.instancePath ?? "").replace(/^\//, "").replaceAll("/", ".");
  return new HolderApplicationInvalid(
    wireCodeOf(first?.instancePath ?? "", body),
    `Bad request: ${field === "" ? "body" : field}: ${first?.message ?? "is not valid"}`,
    issues.map((issue) => ({ pointer: issue.instancePath, detail: issue.message ?? "is not valid" })),
  );
}

function wireCodeOf(written: string, body: unknown): string {
  // Version 2 takes the same fields in a section, too.
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
  const position = /^\/vectors\/(\d+)(?:\/value)?$/.exec(pointer)?.[1];
  if (position === undefined) return "FU4000";
  const { sections, vectors } = body as { sections?: { accountHolderDetails?: Submitted } } & Submitted;
  const vector = (inSection ? sections?.accountHolderDetails?.vectors : vectors)?.[Number(position)];
  return vector?.type === "p" ? "AR400009" : vector?.type === "e" ? "AR4000010" : "FU4000";
}

interface Submitted {
  readonly vectors?: readonly { readonly type?: unknown }[];
}
