import { AgentError } from "../../base/errors.js";
import type { ShownIdentity } from "../../connections/trust/inspect.js";

const CERTIFICATE = /^sha256:(?:[0-9a-f]{2}:?){31}[0-9a-f]{2}$/i;
const CERTIFICATE_KEY = /^spki-sha256:[A-Za-z0-9+/]{43}=?$/i;
const HOST_KEY = /^SHA256:[A-Za-z0-9+/]{43}=?$/;

/** Written like a pin, or as OpenSSH writes it. */
export function isFingerprint(text: string): boolean {
  return CERTIFICATE.test(text) || CERTIFICATE_KEY.test(text) || HOST_KEY.test(text);
}

export function refuseFingerprint(text: string): AgentError {
  return new AgentError("FERRY_USAGE", `--fingerprint is "${text}"`, {
    hint: "sha256: with 64 hex digits (colons allowed) or spki-sha256: with base64 for a certificate, SHA256:… for a host key",
  });
}

/** Exactly the same, whatever the spelling. */
export function sameFingerprint({ kind, fingerprint, detail }: ShownIdentity, wanted: string): boolean {
  if (kind === "host-key") return HOST_KEY.test(wanted) && unpadded(wanted) === unpadded(fingerprint);
  if (CERTIFICATE_KEY.test(wanted)) return unpadded(base64(wanted)) === unpadded(base64(detail.key ?? ""));
  return CERTIFICATE.test(wanted) && hex(wanted) === hex(fingerprint);
}

function hex(text: string): string {
  return text
    .slice(text.indexOf(":") + 1)
    .replaceAll(":", "")
    .toLowerCase();
}

function base64(text: string): string {
  return text.slice(text.indexOf(":") + 1);
}

function unpadded(text: string): string {
  return text.replace(/=+$/, "");
}
