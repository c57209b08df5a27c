/** Certificates that are made for one test. */
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** A certificate that vouches for itself, and its key, in PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Makes a certificate of this host (RFC 5280), to be trusted by itself. */
export function makeCertificate(): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ecdsaWithSha256 = der(0x30, oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
  const commonName = der(0x30, oid(0x55, 0x04, 0x03), der(0x0c, Buffer.from("hatd test")));
  const name = der(0x30, der(0x31, commonName));
  const day = 86_400_000;
  const validity = der(0x30, utcTime(Date.now() - day), utcTime(Date.now() + day));
  const isAuthority = der(0x30, der(0x01, Buffer.of(0xff)));
  const hosts = der(0x30, der(0x82, Buffer.from("localhost")), der(0x87, Buffer.of(127, 0, 0, 1)));
  const extensions = der(
    0x30,
    der(0x30, oid(0x55, 0x1d, 0x13), der(0x04, isAuthority)),
    der(0x30, oid(0x55, 0x1d, 0x11), der(0x04, hosts)),
  );
  const toBeSigned = der(
    0x30,
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.concat([Buffer.of(1), randomBytes(8)])),
    ecdsaWithSha256,
    name,
    validity,
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, extensions),
  );
  const signature = der(0x03, Buffer.of(0), sign("sha256", toBeSigned, privateKey));
  const cert = der(0x30, toBeSigned, ecdsaWithSha256, signature).toString("base64");
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${cert}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

/** Encodes a value of DER: its tag, its length, and what it holds (X.690). */
function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const long =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...long), content]);
}

function oid(...bytes: number[]): Buffer {
  return der(0x06, Buffer.of(...bytes));
}

function utcTime(time: number): Buffer {
  const digits = new Date(time).toISOString().replace(/\D/g, "");
  return der(0x17, Buffer.from(`${digits.slice(2, 14)}Z`));
}
