import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

export interface Certificate {
  /** Paths, for real servers. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Key and certificate in one file, as pure-ftpd wants them. */
  readonly bothFile: string;
  /** PEM texts, for servers in this process. */
  readonly cert: string;
  readonly key: string;
  /** SHA-256 of the certificate as Node's `fingerprint256` writes it: `AB:CD:…`. */
  readonly fingerprint256: string;
}

export interface Authority {
  /** PEM text and path of the CA's certificate, for the client to trust. */
  readonly ca: string;
  readonly caFile: string;
}

export type Flaw = "none" | "expired" | "wrong-host" | "self-signed";

let folder: string | undefined;
const made = new Map<string, Certificate>();

// vitest ends its workers without their exit handlers.
afterAll(() => {
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** The test CA; the same one within a test file. */
export function testAuthority(): Authority {
  const { cert, certFile } = certificate("authority");
  return { ca: cert, caFile: certFile };
}

/** A server's certificate for 127.0.0.1 and localhost, signed by the test CA unless it is self-signed. `name` tells several apart. */
export function serverCertificate(flaw: Flaw = "none", name = "server"): Certificate {
  return certificate(flaw, name);
}

/** A client's certificate, signed by the test CA. */
export function clientCertificate(name = "client"): Certificate {
  return certificate("none", name);
}

function certificate(flaw: Flaw | "authority", name = "ca"): Certificate {
  const id = `${name}-${flaw}`;
  const known = made.get(id);
  if (known) return known;
  const issuer = flaw === "authority" || flaw === "self-signed" ? undefined : certificate("authority");
  const fresh = make(id, flaw, issuer);
  made.set(id, fresh);
  return fresh;
}

function make(id: string, flaw: Flaw | "authority", issuer: Certificate | undefined): Certificate {
  const base = join(workFolder(), id);
  const files = { certFile: `${base}.crt`, keyFile: `${base}.key`, bothFile: `${base}.pem` };
  const host = flaw === "wrong-host" ? "elsewhere.example" : "localhost";
  const alternatives = flaw === "wrong-host" ? "DNS:elsewhere.example" : "DNS:localhost,IP:127.0.0.1";
  openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", files.keyFile);
  const extensions =
    flaw === "authority"
      ? "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign"
      : `basicConstraints=CA:FALSE\nsubjectAltName=${alternatives}`;
  const subject = flaw === "authority" ? "/CN=Ferry test CA" : `/O=${id}/CN=${host}`;
  issue(base, subject, extensions, flaw === "expired", issuer);
  const [cert, key] = [readFileSync(files.certFile, "utf8"), readFileSync(files.keyFile, "utf8")];
  writeFileSync(files.bothFile, key + cert, { mode: 0o600 });
  const printed = openssl("x509", "-in", files.certFile, "-noout", "-fingerprint", "-sha256");
  return { ...files, cert, key, fingerprint256: printed.trim().split("=")[1] ?? "" };
}

/** `openssl ca` is the only command of OpenSSL 3.0 that takes a date in the past. */
function issue(
  base: string,
  subject: string,
  extensions: string,
  expired: boolean,
  issuer: Certificate | undefined,
): void {
  const sections = [
    "[ca]\ndefault_ca=d",
    `[d]\nnew_certs_dir=${workFolder()}\ndatabase=${base}.index\nrand_serial=yes\ndefault_md=sha256\npolicy=p\nunique_subject=no`,
    "[p]\nO=optional\nCN=supplied",
    `[x]\n${extensions}`,
    "[req]\ndistinguished_name=n\n[n]",
  ];
  writeFileSync(`${base}.cnf`, `${sections.join("\n")}\n`);
  writeFileSync(`${base}.index`, "");
  openssl("req", "-new", "-config", `${base}.cnf`, "-key", `${base}.key`, "-subj", subject, "-out", `${base}.csr`);
  const signer = issuer
    ? ["-cert", issuer.certFile, "-keyfile", issuer.keyFile]
    : ["-selfsign", "-keyfile", `${base}.key`];
  const validity = expired ? ["20200101000000Z", "20200102000000Z"] : ["20240101000000Z", "20450101000000Z"];
  openssl(
    ...["ca", "-batch", "-notext", "-config", `${base}.cnf`, "-extensions", "x", ...signer],
    ...["-startdate", validity[0] ?? "", "-enddate", validity[1] ?? "", "-in", `${base}.csr`, "-out", `${base}.crt`],
  );
}

function openssl(...args: string[]): string {
  return execFileSync("openssl", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function workFolder(): string {
  if (folder) return folder;
  const created = mkdtempSync(join(tmpdir(), "ferry-certificates-"));
  folder = created;
  return created;
}
