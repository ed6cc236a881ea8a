import { IdentifierInvalid } from "./errors.ts";

/** An address in the form in which it is stored. */
export interface Address {
  readonly channel: "sms" | "email";
  readonly address: string;
}

/**
 * Reads what a person typed. Ten digits are an Indian number, also after `0`, `91` or both; `+` or `00` starts any other. Spaces, dashes
 * of every kind, dots and brackets are tolerated, and so are the invisible marks around a number that was copied from a list of contacts;
 * an email is lower-cased. Throws {@link IdentifierInvalid}. Pure: it does not ask whether anyone has the address.
 */
export function readIdentifier(typed: string): Address {
  if (!typed.isWellFormed()) throw new IdentifierInvalid();
  const text = typed.normalize("NFKC").trim();
  return text.includes("@") ? readEmail(text) : readPhone(text);
}

function readPhone(typed: string): Address {
  const text = typed.replaceAll(/^[\s\p{Cf}]+|[\s\p{Cf}]+$/gu, "");
  if (!/^\(?\+?[\d\s().\p{Pd}−]{4,30}$/u.test(text)) throw new IdentifierInvalid();
  const bare = text
    // "+44 (0)20 …": that zero is dialled within the country, and never behind the country's code.
    .replace(/^(\(?(?:\+|00)\d{1,3}\)?\s*)\(0\)/, "$1")
    .replaceAll(/[^\d+]/g, "")
    .replace(/^00/, "+");
  const local = /^(?:\+?91)?0?([1-9]\d{9})$/.exec(bare)?.[1];
  const address = local === undefined ? bare : `+91${local}`;
  // Behind +91, a number of any other length belongs to nobody: its owner would wait for a code in vain.
  if (!/^\+(?!91)[1-9]\d{6,14}$/.test(address) && local === undefined) throw new IdentifierInvalid();
  return { channel: "sms", address };
}

function readEmail(text: string): Address {
  const address = text.toLowerCase();
  // No control characters, no spaces, nothing that has a meaning in a mail header.
  if (
    address.length > 254 ||
    !/^[^@\s\p{C}<>(),;:"[\]\\]{1,64}@[^@\s\p{C}<>(),;:"[\]\\]{1,190}$/u.test(address)
  )
    throw new IdentifierInvalid();
  const domain = address.slice(address.indexOf("@") + 1);
  if (
    !domain
      .split(".")
      .every((label) => /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}])?$/u.test(label))
  )
    throw new IdentifierInvalid();
  return { channel: "email", address };
}

/** For showing where a code went: enough to recognise an address that one knows. */
export function maskAddress({ channel, address }: Address): string {
  if (channel === "sms") return `${address.slice(0, 3)} •••••• ${address.slice(-4)}`;
  const at = address.indexOf("@");
  const name = [...address.slice(0, at)];
  return `${name[0]}•••${name.length > 4 ? name.at(-1) : ""}${address.slice(at)}`;
}
