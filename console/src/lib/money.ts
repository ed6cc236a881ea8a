/** "₹1,23,456.78" of an amount in minor units, which may be more than a number can tell exactly. */
export function formatMinor(amountMinor: string, currency: string): string {
  const format = new Intl.NumberFormat("en-IN", { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  const isNegative = amountMinor.startsWith("-");
  const padded = amountMinor.replace("-", "").padStart(digits + 1, "0");
  const whole = padded.slice(0, padded.length - digits);
  const fraction = padded.slice(padded.length - digits);
  // Formatted in parts, since the whole amount would lose digits as a number.
  return format
    .formatToParts(BigInt(isNegative ? `-${whole}` : whole))
    .map(({ type, value }) => (type === "fraction" ? fraction : value))
    .join("")
    .replace(/^(?!-)/, isNegative && /^0*$/.test(whole) ? "-" : "");
}
