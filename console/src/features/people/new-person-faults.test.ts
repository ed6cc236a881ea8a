import { expect, test } from "vitest";
import { faultsOf } from "./new-person-faults.ts";

const told = (person: Parameters<typeof faultsOf>[0]): string[] =>
  faultsOf(person).map(({ pointer, detail }) => `${pointer}: ${detail}`);

test("a person needs a name, and an address that can be one", () => {
  expect(told({ name: " " })).toEqual([
    "/name: A name has 1 to 80 printable characters.",
    "/email: A person needs a phone number or an email address.",
  ]);
  expect(told({ name: "n".repeat(81), email: "nina", phone: "98" })).toEqual([
    "/name: A name has 1 to 80 printable characters.",
    "/email: This is not an email address.",
    "/phone: This is not a phone number.",
  ]);
  for (const email of [
    "@paisapocket.example",
    "nina@",
    "nina kapoor@paisapocket.example",
    "nina@a@b.example",
  ])
    expect([email, told({ name: "Nina", email })]).toEqual([
      email,
      ["/email: This is not an email address."],
    ]);
  for (const phone of ["98450 1234", "+91 98450", "phone", "nina@paisapocket.example", "+", "98450 12345 6"])
    expect([phone, told({ name: "Nina", phone })]).toEqual([phone, ["/phone: This is not a phone number."]]);
});

test("whatever the server takes is sent", () => {
  expect(told({ name: "Nina", email: "nina@paisapocket.example", phone: "98450 12345" })).toEqual([]);
  for (const phone of [
    "9845012345",
    "09845012345",
    "919845012345",
    "+91 (98450) 12-345",
    "0091 9845012345",
    "+49 30 901820",
    "\u202A+91 98450\u201112345\u202C",
    "(+91) 98450 12345",
    "+49 (0)30 901820",
  ])
    expect([phone, told({ name: "Nina", phone })]).toEqual([phone, []]);
  expect(told({ name: `  ${"n".repeat(80)} `, email: "nína@müller.example" })).toEqual([]);
});
