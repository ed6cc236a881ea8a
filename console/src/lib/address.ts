/** A phone number in groups ("+91 90000 00001"); emails and other numbers as they are. */
export function readableAddress(address: string): string {
  return address.replace(/^(\+91)(\d{5})(\d{5})$/, "$1 $2 $3");
}
