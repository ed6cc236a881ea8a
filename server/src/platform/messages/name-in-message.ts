// Names that people gave to things, in a message to others. A person may choose a name for those others to read, so it must not pass for
// more than a name.

/** A name, or a text with names in it, made safe for a subject: without line breaks, and without characters that reorder or hide others. */
export function oneLine(name: string): string {
  return name.replaceAll(/\p{Cf}/gu, "").replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ");
}

/**
 * {@link oneLine}, without what a phone or a mail program makes a link of: colons, slashes, and a dot before a digit or what could be the
 * end of a host. The dots of initials ("K.V. Raman") stay.
 */
export function withoutLinks(name: string): string {
  return oneLine(name)
    .replaceAll(/[/\\⁄∕／＼:：]/gu, "-")
    .replaceAll(/[.。．｡](?=\p{N}|[\p{L}\p{M}\p{N}-]{2})/gu, "-");
}

/**
 * A name made safe for an SMS: it stays between its quotation marks, and a phone makes no link of it. At most 30 characters, none of them
 * cut in half, which a gateway may refuse. It is cut with three dots, since the ellipsis character is not in the alphabet of SMS (GSM
 * 03.38) and would make its parts 70 characters long instead of 160.
 */
export function nameInSms(name: string): string {
  const plain = withoutLinks(name).replaceAll(/["“”„‟«»″＂]/gu, "'");
  const characters = [...plain];
  return characters.length > 30 ? `${characters.slice(0, 27).join("")}...` : plain;
}
