import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import ssh2 from "ssh2";
import * as der from "./der.js";

export interface Certificate {
  /** PEM. Self-signed, so it is also what a client lists as its `ca`. */
  readonly cert: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  /** `sha256:` and the certificate's SHA-256 fingerprint in hex. */
  readonly fingerprint: string;
}

/** A self-signed certificate for localhost and 127.0.0.1, valid between two moments, with a new P-256 key. */
export function makeCertificate(valid: { readonly from: Date; readonly until: Date }): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = der.sequence(der.set(der.sequence(der.objectId("2.5.4.3"), der.text("Ferry demo server"))));
  const body = der.sequence(
    der.tagged(0, der.integer(Buffer.of(2))), // X.509 version 3
    der.integer(Buffer.concat([Buffer.of(1), randomBytes(15)])),
    ecdsaWithSha256,
    name,
    der.sequence(der.time(valid.from), der.time(valid.until)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der.tagged(3, extensions()),
  );
  const whole = der.sequence(body, ecdsaWithSha256, der.bits(sign("sha256", body, privateKey)));
  return {
    cert: pem("CERTIFICATE", whole),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    fingerprint: `sha256:${createHash("sha256").update(whole).digest("hex")}`,
  };
}

/** A new ed25519 host key for an SSH server, in OpenSSH's own format. */
export function makeHostKey(): string {
  // ssh2 1.17 makes an unusable key about once in 300 times, so each is tried before it is given out.
  for (;;) {
    const made = ssh2.utils.generateKeyPairSync("ed25519", { comment: "Ferry demo server" }).private;
    if (isUsable(made)) return made;
  }
}

function isUsable(made: string): boolean {
  const key = ssh2.utils.parseKey(made);
  if (key instanceof Error) return false;
  const text = Buffer.from("a trial");
  const signature: unknown = key.sign(text); // a Buffer, or an Error that the types leave out
  return Buffer.isBuffer(signature) && key.verify(text, signature) === true;
}

const ecdsaWithSha256 = der.sequence(der.objectId("1.2.840.10045.4.3.2"));

function extensions(): Buffer {
  const names = der.sequence(
    der.implicit(2, Buffer.from("localhost")), // dNSName
    der.implicit(7, Buffer.of(127, 0, 0, 1)), // iPAddress
  );
  return der.sequence(
    der.sequence(der.objectId("2.5.29.17"), der.octets(names)),
    der.sequence(der.objectId("2.5.29.19"), der.yes(), der.octets(der.sequence())), // basicConstraints: no authority
    der.sequence(der.objectId("2.5.29.15"), der.yes(), der.octets(der.bits(Buffer.of(0x80), 7))), // digitalSignature
    der.sequence(der.objectId("2.5.29.37"), der.octets(der.sequence(der.objectId("1.3.6.1.5.5.7.3.1")))), // serverAuth
  );
}

function pem(label: string, content: Buffer): string {
  const lines = content.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
