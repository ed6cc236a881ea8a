/** "₹1,23,456.78" for an amount in minor units, which may exceed what a number can represent exactly. */
export function formatMinor(amountMinor: string, currency: string): string {
  const format = new Intl.NumberFormat("en-IN", { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  const isNegative = amountMinor.startsWith("-");
  const padded = amountMinor.replace("-", "").padStart(digits + 1, "0");
  const whole = padded.slice(0, padded.length - digits);
  const fraction = padded.slice(padded.length - digits);
  // Formatted in parts, since the whole amount would lose digits as one number.
  return format
    .formatToParts(BigInt(isNegative ? `-${whole}` : whole))
    .map(({ type, value }) => (type === "fraction" ? fraction : value))
    .join("")
    .replace(/^(?!-)/, isNegative && /^0*$/.test(whole) ? "-" : "");
}
