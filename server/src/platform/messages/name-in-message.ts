// What people call a thing, in a message to others. They may have chosen the name for those others to read, so it must not pass for more than a name.

/** A name, or a text with names in it, as a subject may have it: without line breaks, and without characters that turn or hide others. */
export function oneLine(name: string): string {
  return name.replaceAll(/\p{Cf}/gu, "").replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ");
}

/**
 * In an SMS, between quotation marks that it cannot end, and nothing that a phone makes a link of. At most 30 characters, none of them halved, which a
 * gateway may refuse; with three dots and not the one character for them, as that is not in the alphabet of SMS (GSM 03.38) and would make its
 * parts 70 characters long instead of 160.
 */
export function nameInSms(name: string): string {
  const plain = oneLine(name)
    .replaceAll(/["“”„‟«»″＂]/gu, "'")
    .replaceAll(/[/\\⁄∕／＼:：]|[.。．｡](?=\S)/gu, "-");
  const characters = [...plain];
  return characters.length > 30 ? `${characters.slice(0, 27).join("")}...` : plain;
}
