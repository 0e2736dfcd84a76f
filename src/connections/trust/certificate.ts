import { createHash, X509Certificate } from "node:crypto";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { AgentError, type ErrorCode } from "../../base/errors.js";
import { visible } from "../../base/names.js";
import type { ShownCertificate } from "./policy.js";
import type { KeptIdentity } from "./store.js";

/** What is known of a connection's certificate beforehand. */
export interface CertificateRules {
  readonly name: string;
  readonly mode: "verify" | "ask" | "accept";
  readonly pins: readonly string[];
  accepted(host: string, port: number): KeptIdentity | undefined;
  now(): Date;
}

/** One thing that is wrong with a certificate. */
export interface CertificateProblem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
}

/** Judges a certificate; the word is for the transcript. */
export function judgeCertificate(rules: CertificateRules, shown: ShownCertificate): string {
  const { certificate, host, port } = shown;
  const server = `${host}:${port}`;
  const fingerprint = certificateFingerprint(certificate);
  if (rules.pins.length > 0) return judgePinned(rules, shown, fingerprint);
  const [problem] = certificateProblems(shown, rules.now());
  if (!problem) return "verified";
  const accepted = rules.accepted(host, port);
  if (accepted?.fingerprint === fingerprint) return `accepted by ${accepted.by} on ${accepted.at.slice(0, 10)}`;
  if (rules.mode === "accept") return "accepted unchecked";
  if (accepted)
    throw changed(
      server,
      fingerprint,
      accepted.fingerprint,
      `accepted by ${accepted.by} on ${accepted.at.slice(0, 10)}`,
      `\`ferry connection trust ${rules.name}\``,
    );
  throw failure(problem, server, fingerprint, rules.name);
}

/** A pin stands in for the authorities' word; dates and names still count. */
function judgePinned(rules: CertificateRules, shown: ShownCertificate, fingerprint: string): string {
  const server = `${shown.host}:${shown.port}`;
  if (!rules.pins.some((pin) => matchesPin(pin, shown.certificate)))
    throw changed(server, fingerprint, rules.pins.join(" or "), "pinned in the definition", "set `certificates.pin`");
  const problem = [...dateProblems(shown, rules.now()), ...nameProblems(shown)][0];
  if (!problem) return "pinned";
  if (rules.mode === "accept") return "pinned, otherwise accepted unchecked";
  throw failure(problem, server, fingerprint, rules.name);
}

function matchesPin(pin: string, certificate: PeerCertificate): boolean {
  const spki = /^spki-sha256:(.*)$/i.exec(pin)?.[1];
  if (spki === undefined)
    return pin.toLowerCase().replaceAll(":", "") === certificateFingerprint(certificate).replaceAll(":", "");
  return spki.replace(/=+$/, "") === keyFingerprint(certificate).replace(/=+$/, "");
}

/** Everything that is wrong, the worst first: dates, the chain, the name. */
export function certificateProblems(shown: ShownCertificate, now: Date): readonly CertificateProblem[] {
  return [...dateProblems(shown, now), ...chainProblems(shown), ...nameProblems(shown)];
}

function dateProblems({ certificate, chainError }: ShownCertificate, now: Date): readonly CertificateProblem[] {
  const [from, to] = [new Date(certificate.valid_from), new Date(certificate.valid_to)];
  const expired = (message: string): CertificateProblem[] => [{ code: "FERRY_CERTIFICATE_EXPIRED", message }];
  if (now > to) return expired(`expired on ${day(to)}`);
  if (now < from) return expired(`is not valid before ${day(from)}`);
  if (Number.isNaN(from.getTime()) || Number.isNaN(to.getTime())) return expired("has dates that cannot be read");
  if (chainError === "CERT_HAS_EXPIRED") return expired("is fine, but an authority's certificate above it has expired");
  if (chainError === "CERT_NOT_YET_VALID")
    return expired("is fine, but an authority's certificate above it is not yet valid");
  return [];
}

function chainProblems({ certificate, chainError }: ShownCertificate): readonly CertificateProblem[] {
  if (chainError === undefined || chainError === "CERT_HAS_EXPIRED" || chainError === "CERT_NOT_YET_VALID") return [];
  const issuer = nameOf(certificate.issuer);
  const untrusted = (message: string, hint?: string): CertificateProblem[] => [
    { code: "FERRY_CERTIFICATE_UNTRUSTED", message, ...(hint && { hint }) },
  ];
  const compare = "compare the fingerprint with the server's owner, then `ferry connection trust NAME`";
  switch (chainError) {
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
      return untrusted("is signed by itself, by no authority", compare);
    case "SELF_SIGNED_CERT_IN_CHAIN":
      return untrusted(
        `comes from the authority ${issuer}, which is not trusted here`,
        `set \`certificates.ca\` to that authority's certificate, or ${compare}`,
      );
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
      return untrusted(
        `was issued by ${issuer}, whose certificate is neither known here nor sent by the server`,
        `the server may lack its intermediate certificate: tell its owner; or set \`certificates.ca\` to the one of ${issuer}`,
      );
    case "CERT_REVOKED":
      return untrusted("is revoked", "do not connect; tell the server's owner");
    default:
      return untrusted(`does not lead to a trusted authority (${chainError})`);
  }
}

function nameProblems({ certificate, expectedName }: ShownCertificate): readonly CertificateProblem[] {
  if (checkServerIdentity(expectedName, certificate) === undefined) return [];
  return [
    {
      code: "FERRY_CERTIFICATE_NAME",
      message: `is for ${certificateNames(certificate).join(", ") || "no name at all"}, not for ${expectedName}`,
    },
  ];
}

/** `sha256:` with hex digits: one spelling for comparing and keeping. */
export function certificateFingerprint(certificate: PeerCertificate): string {
  return `sha256:${createHash("sha256").update(certificate.raw).digest("hex")}`;
}

export function keyFingerprint({ raw }: PeerCertificate): string {
  // `pubkey` is the SubjectPublicKeyInfo for RSA only.
  const info = new X509Certificate(raw).publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(info).digest("base64");
}

/** The names that the certificate is for: `DNS:` and `IP Address:`, else the common name. */
export function certificateNames({ subjectaltname, subject }: PeerCertificate): readonly string[] {
  const names = [...(subjectaltname ?? "").matchAll(/(?:DNS|IP Address):("(?:[^"\\]|\\.)*"|[^,]+)/g)].map((match) =>
    visible((match[1] ?? "").trim()),
  );
  return names.length > 0 ? names : [subject?.CN ?? []].flat().map((name) => visible(String(name)));
}

/** A distinguished name in one line. */
export function nameOf(name: PeerCertificate["subject"] | undefined): string {
  const parts = Object.entries(name ?? {}).flatMap(([key, value]) =>
    [value ?? []].flat().map((one) => `${key}=${visible(String(one))}`),
  );
  return parts.reverse().join(", ") || "nobody";
}

export function day(date: Date): string {
  return Number.isNaN(date.getTime()) ? "an unreadable date" : date.toISOString().slice(0, 10);
}

function failure(
  { code, message, hint }: CertificateProblem,
  server: string,
  fingerprint: string,
  name: string,
): AgentError {
  return new AgentError(
    code,
    `the certificate of ${server} ${message}; its fingerprint is ${fingerprint}`,
    hint === undefined ? {} : { hint: hint.replace("NAME", name) },
  );
}

function changed(server: string, fingerprint: string, expected: string, where: string, remedy: string): AgentError {
  return new AgentError(
    "FERRY_CERTIFICATE_CHANGED",
    `${server} shows the certificate ${fingerprint}, expected ${expected} (${where})`,
    { hint: `compare both fingerprints with the server's owner, then ${remedy}` },
  );
}
