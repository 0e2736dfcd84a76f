import { getCiphers } from "node:tls";
import { closest } from "fastest-levenshtein";
import { z } from "zod";

const VERSIONS = ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const;
export type TlsVersion = "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";
const SAFE_VERSIONS: TlsVersion[] = ["TLSv1.2", "TLSv1.3"];

const version = z.enum(VERSIONS).transform((name, context): TlsVersion => {
  if (name !== "SSLv2" && name !== "SSLv3") return name;
  context.addIssue({
    code: "custom",
    message: `no current TLS library has ${name}; use TLSv1.2 and TLSv1.3, or TLSv1 for an old server`,
  });
  return z.NEVER;
});

const knownCiphers = new Set(getCiphers().map((name) => name.toUpperCase()));
const cipher = z.string().superRefine((name, context) => {
  if (knownCiphers.has(name.toUpperCase())) return;
  const nearest = closest(name.toUpperCase(), [...knownCiphers]);
  context.addIssue({
    code: "custom",
    message: `no such cipher suite: ${JSON.stringify(name)}; did you mean ${nearest}?`,
  });
});

export const encryption = z
  .strictObject({
    protocol: z.enum(["none", "ssl", "tls"]).default("tls").describe("none, or what AUTH asks for first: ssl or tls."),
    mode: z
      .enum(["explicit", "implicit"])
      .default("explicit")
      .describe("TLS on request (AUTH), or from the first byte."),
    dataChannel: z.boolean().default(true).describe("Encrypt data connections (PROT P)."),
    commandChannel: z.boolean().default(true).describe("Keep the control channel encrypted; false: CCC after login."),
    sessionResumption: z
      .boolean()
      .default(true)
      .describe("Let data connections resume the control channel's TLS session."),
    autoAdjustCiphers: z.boolean().default(true).describe("Use the library's secure suites; false: only ciphers."),
    ciphers: z.array(cipher).min(1).optional().describe("Cipher suites by their OpenSSL names."),
    versions: z.array(version).min(1).default(SAFE_VERSIONS).describe("TLS versions that may be used."),
  })
  .superRefine((chosen, context) => {
    if (chosen.autoAdjustCiphers) return;
    if (!chosen.ciphers) {
      context.addIssue({
        code: "custom",
        path: ["ciphers"],
        message: "is missing: `autoAdjustCiphers: false` uses only these",
      });
    } else if (offeredVersions(chosen.versions, chosen.ciphers).length === 0) {
      context.addIssue({
        code: "custom",
        path: ["ciphers"],
        message: `none of these suites belongs to ${chosen.versions.join(" or ")}`,
      });
    }
  })
  .prefault({})
  .describe("Encryption of the control and data channels.");

/** The versions for which a suite is named: TLS 1.3 has suites of its own. */
export function offeredVersions(versions: readonly TlsVersion[], ciphers: readonly string[]): TlsVersion[] {
  const modern = ciphers.some(isModern);
  const older = ciphers.some((name) => !isModern(name));
  return versions.filter((name) => (name === "TLSv1.3" ? modern : older));
}

function isModern(suite: string): boolean {
  return suite.toUpperCase().startsWith("TLS_");
}

const pin = z
  .string()
  .regex(
    /^(sha256:([0-9a-f]{2}:?){31}[0-9a-f]{2}|spki-sha256:[A-Za-z0-9+/]{43}=?)$/i,
    "expected sha256: with 64 hex digits, or spki-sha256: with base64",
  );

const passphrase = z.string().default("").describe("Passphrase of the private key; a template with the secret filter.");
const clientCertificate = z.union([
  z.string().min(1),
  z.strictObject({
    cert: z.string().min(1).describe("File with the certificate, PEM."),
    key: z.string().min(1).describe("File with the private key, PEM."),
    passphrase,
  }),
  z.strictObject({ pfx: z.string().min(1).describe("File with certificate and key, PKCS#12."), passphrase }),
]);

const oneOrMore = <T extends z.ZodType>(item: T) => z.union([item.transform((one) => [one]), z.array(item)]);

export const certificates = z
  .strictObject({
    client: clientCertificate.optional().describe("Client certificate: a name in the store, or files."),
    server: z.enum(["verify", "ask", "accept"]).default("verify").describe("How the server's certificate is judged."),
    ca: oneOrMore(z.string().min(1)).default([]).describe("PEM files with more authorities to trust."),
    pin: oneOrMore(pin).default([]).describe("Fingerprints, one of which the server's certificate must have."),
    serverName: z.string().default("").describe("Name expected in the certificate, if it is not the address."),
  })
  .prefault({})
  .describe("Certificates of both sides.");
