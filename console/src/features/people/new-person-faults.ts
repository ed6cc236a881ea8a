import { type NewPerson, newPersonFaults } from "@fusion/contract/login.ts";
import { nameLengthMax } from "@fusion/contract/primitives.ts";

export interface FieldFault {
  readonly pointer: string;
  readonly detail: string;
}

/**
 * What is wrong with a person about to be added, in the server's words. The server wants presence proven before it looks at the entries,
 * and nobody should fetch a code because of a slip. Only plain slips are found here; the server refuses the rest.
 */
export function faultsOf({ name, email, phone }: Pick<NewPerson, "name" | "email" | "phone">): FieldFault[] {
  const faults: FieldFault[] = [];
  const { length } = name.normalize("NFC").trim().replaceAll(/\s+/g, " ");
  if (length < 1 || length > nameLengthMax) faults.push({ pointer: "/name", detail: newPersonFaults.name });
  if (email === undefined && phone === undefined)
    faults.push({ pointer: "/email", detail: newPersonFaults.noAddress });
  if (email !== undefined && !/^[^@\s]+@[^@\s]+$/.test(email.normalize("NFKC").trim()))
    faults.push({ pointer: "/email", detail: newPersonFaults.email });
  if (phone !== undefined && !isPhone(phone))
    faults.push({ pointer: "/phone", detail: newPersonFaults.phone });
  return faults;
}

/** Ten digits, perhaps with the prefixes dialled in India before them, or `+` and the number of another country; grouped in any way. */
function isPhone(typed: string): boolean {
  const text = typed.normalize("NFKC").replaceAll(/^[\s\p{Cf}]+|[\s\p{Cf}]+$/gu, "");
  if (!/^\(?\+?[\d\s().\p{Pd}−]+$/u.test(text)) return false;
  const bare = text
    .replace(/^(\(?(?:\+|00)\d{1,3}\)?\s*)\(0\)/, "$1")
    .replaceAll(/[^\d+]/g, "")
    .replace(/^00/, "+");
  return /^(\+?91)?0?[1-9]\d{9}$/.test(bare) || /^\+(?!91)[1-9]\d{6,14}$/.test(bare);
}
