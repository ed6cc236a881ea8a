import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nextSendAt } from "./codes/code-sending.ts";
import { maskAddress, readIdentifier } from "./identifier.ts";

describe("an identifier", () => {
  it("of ten digits is an Indian number; spaces, dashes, dots and brackets do not matter", () => {
    for (const typed of [
      "9876543210",
      "98765 43210",
      " 98765-43210 ",
      "(98765) 43210",
      "09876543210",
      "+91 98765 43210",
      "0091 9876543210",
      "919876543210",
      "+91 0 98765 43210",
      "+91 (0)98765 43210",
      "９８７６５４３２１０",
    ])
      expect(readIdentifier(typed), typed).toEqual({ channel: "sms", address: "+919876543210" });
    expect(readIdentifier("+44 20 7946 0958")).toEqual({ channel: "sms", address: "+442079460958" });
  });

  it("is read as contacts and messages hand it over: with typographic dashes, direction marks, and a bracketed prefix", () => {
    for (const typed of [
      "\u202A+91 98765 43210\u202C",
      "\u200E98765\u201143210\u200F",
      "98765–43210",
      "98765−43210",
      "(+91) 98765 43210",
    ])
      expect(readIdentifier(typed), typed).toEqual({ channel: "sms", address: "+919876543210" });
    // The zero in brackets is dialled within the country alone.
    expect(readIdentifier("+44 (0)20 7946 0958").address).toBe("+442079460958");
    for (const typed of ["98765+43210", "((+91) 98765 43210", "asha@example.com\u200B"])
      expect(() => readIdentifier(typed), typed).toThrow("neither a phone number");
  });

  it("of another length behind +91 is nobody's, and refused", () => {
    for (const typed of ["+91 98765 4321", "+91 98765 432109", "91987654321", "+91 00 98765 43210"])
      expect(() => readIdentifier(typed), typed).toThrow("neither a phone number");
  });

  it("with an @ is an email, lower-cased", () => {
    expect(readIdentifier(" Asha.R+x@Example.COM ")).toEqual({
      channel: "email",
      address: "asha.r+x@example.com",
    });
  });

  it("that is neither is refused, and whatever is accepted fits the database and reads the same again", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "binary" }), fc.emailAddress(), fc.stringMatching(/^[+\d ()-]{5,20}$/)),
        (typed) => {
          let read: ReturnType<typeof readIdentifier>;
          try {
            read = readIdentifier(typed);
          } catch (error) {
            expect(error).toMatchObject({ code: "identifier_invalid" });
            return;
          }
          expect(readIdentifier(read.address)).toEqual(read);
          expect(read.address).toMatch(
            read.channel === "sms" ? /^\+[1-9]\d{6,14}$/ : /^[^@\s\p{C}]+@[^@\s\p{C}]+$/u,
          );
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("is masked so that only who knows it recognises it", () => {
    expect(maskAddress({ channel: "sms", address: "+919876543210" })).toBe("+91 •••••• 3210");
    expect(maskAddress({ channel: "email", address: "asha@example.com" })).toBe("a•••@example.com");
    expect(maskAddress({ channel: "email", address: "raghunathan@example.com" })).toBe("r•••n@example.com");
  });
});

describe("when the next code may be sent", () => {
  const now = new Date("2026-11-24T10:00:00Z");
  const ago = (...seconds: number[]) => seconds.map((each) => new Date(now.getTime() - each * 1000));
  const rules = [
    { windowMs: 60_000, max: 1 },
    { windowMs: 3_600_000, max: 3 },
  ];
  it("is now, unless a window is full; then when its oldest leaves", () => {
    expect(nextSendAt([], rules, now)).toBeNull();
    expect(nextSendAt(ago(60), rules, now)).toBeNull();
    expect(nextSendAt(ago(59), rules, now)).toEqual(new Date("2026-11-24T10:00:01Z"));
    expect(nextSendAt(ago(100, 200, 3_000), rules, now)).toEqual(new Date("2026-11-24T10:10:00Z"));
    expect(nextSendAt(ago(100, 200, 3_600), rules, now)).toBeNull();
  });
});
