/** `Tue 23 Nov 2027, 11:00 IST`: local time with its zone, as people of that zone write it. */
export function localTimeText(instant: Date, timeZone: string): string {
  return `${localDateText(instant, timeZone)}, ${clockTimeText(instant, timeZone)}`;
}

/** `Tue 23 Nov 2027`. */
export function localDateText(instant: Date, timeZone: string): string {
  const parts = new Map(
    new Intl.DateTimeFormat("en-GB", {
      timeZone,
      weekday: "short",
      day: "numeric",
      month: "short",
      year: "numeric",
    })
      .formatToParts(instant)
      .map(({ type, value }) => [type, value]),
  );
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? "";
  // CLDR writes "Sept" in British English, alone among the months.
  const month = part("month").slice(0, 3);
  return `${part("weekday")} ${part("day")} ${month} ${part("year")}`;
}

/** `11:00 IST`. */
export function clockTimeText(instant: Date, timeZone: string): string {
  const time = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(instant);
  return `${time} ${zoneName(instant, timeZone)}`;
}

/** Each variety of English knows only the short names of its own zones, so several are tried; else the offset, such as `GMT+5:45`. */
function zoneName(instant: Date, timeZone: string): string {
  let name = "";
  for (const locale of ["en-IN", "en-US", "en-GB", "en-AU"]) {
    name =
      new Intl.DateTimeFormat(locale, { timeZone, timeZoneName: "short" })
        .formatToParts(instant)
        .find(({ type }) => type === "timeZoneName")?.value ?? timeZone;
    if (!/^(GMT|UTC)[+-]/.test(name)) return name;
  }
  return name;
}
