import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

// Certificates for tests of TLS, made as they are needed: a stored one would expire, and not every machine has openssl. Just enough DER
// (ITU-T X.690) for the certificates of RFC 5280 that Node accepts.

export interface TestCertificate {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
}

export interface TestAuthority {
  /** The certificate to be trusted, in PEM. */
  readonly certificate: string;
  /**
   * For a server that answers to this host name; valid from an hour ago until `notAfter`, for a day unless told otherwise. Its key is one
   * of an elliptic curve, or of RSA, which some key exchanges require.
   */
  issue(host: string, notAfter?: Date, keyType?: "ec" | "rsa"): TestCertificate;
}

const hourMs = 3_600_000;

/** A certificate authority of a test's own. */
export function createTestAuthority(name = "A test's authority"): TestAuthority {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const make = (
    subject: string,
    of: KeyObject,
    extensions: readonly Buffer[],
    notAfter = new Date(Date.now() + 24 * hourMs),
  ): string => {
    const notBefore = new Date(Math.min(Date.now(), notAfter.getTime()) - hourMs);
    const content = sequence(
      // Version 3.
      der(0xa0, der(0x02, Buffer.from([2]))),
      der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
      ecdsaWithSha256,
      nameOf(name),
      sequence(time(notBefore), time(notAfter)),
      nameOf(subject),
      of.export({ type: "spki", format: "der" }),
      der(0xa3, sequence(...extensions)),
    );
    return pem(sequence(content, ecdsaWithSha256, bits(sign("sha256", content, privateKey))));
  };
  return {
    certificate: make(name, publicKey, [
      // Basic constraints: an authority. Critical.
      sequence(
        oid("551d13"),
        der(0x01, Buffer.from([0xff])),
        octets(sequence(der(0x01, Buffer.from([0xff])))),
      ),
    ]),
    issue(host, notAfter, keyType = "ec") {
      const own =
        keyType === "ec"
          ? generateKeyPairSync("ec", { namedCurve: "P-256" })
          : generateKeyPairSync("rsa", { modulusLength: 2048 });
      // Subject alternative name: one DNS name.
      const names = sequence(oid("551d11"), octets(sequence(der(0x82, Buffer.from(host)))));
      return {
        certificate: make(host, own.publicKey, [names], notAfter),
        key: own.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      };
    },
  };
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, Buffer.concat(parts));
const octets = (content: Buffer): Buffer => der(0x04, content);
const bits = (content: Buffer): Buffer => der(0x03, Buffer.concat([Buffer.from([0]), content]));
/** An object identifier by its content in hexadecimal. */
const oid = (content: string): Buffer => der(0x06, Buffer.from(content, "hex"));
const ecdsaWithSha256 = sequence(oid("2a8648ce3d040302"));
/** A distinguished name of one common name. */
const nameOf = (commonName: string): Buffer =>
  sequence(der(0x31, sequence(oid("550403"), der(0x0c, Buffer.from(commonName)))));
/** UTCTime, to the second. */
const time = (at: Date): Buffer =>
  der(
    0x17,
    Buffer.from(
      `${at
        .toISOString()
        .replaceAll(/[-:T]|\.\d+/g, "")
        .slice(2)}`,
    ),
  );

function pem(bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}
