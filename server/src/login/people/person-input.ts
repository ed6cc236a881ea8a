import { newPersonFaults } from "@fusion/contract/login.ts";
import { nameLengthMax } from "@fusion/contract/primitives.ts";
import { IdentifierInvalid, PersonInvalid } from "../errors.ts";
import { type Address, readIdentifier } from "../identifier.ts";

// Reads a person's details as typed by whoever gives them access. Pure; throws `person_invalid` with the field.

export function readName(typed: string): string {
  const name = typed.normalize("NFC").trim().replaceAll(/\s+/g, " ");
  if (name === "" || name.length > nameLengthMax || !name.isWellFormed() || /\p{C}/u.test(name))
    throw new PersonInvalid("/name", newPersonFaults.name);
  return name;
}

export function readAddress(channel: Address["channel"], typed: string): Address {
  const identity = readOrNothing(typed);
  if (identity?.channel !== channel)
    throw channel === "sms"
      ? new PersonInvalid("/phone", newPersonFaults.phone)
      : new PersonInvalid("/email", newPersonFaults.email);
  return identity;
}

function readOrNothing(typed: string): Address | undefined {
  try {
    return readIdentifier(typed);
  } catch (error) {
    // The error's own message speaks of the login's one field for both.
    if (error instanceof IdentifierInvalid) return undefined;
    throw error;
  }
}
