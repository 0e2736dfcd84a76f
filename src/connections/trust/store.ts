import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { dirname } from "node:path";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { type Clock, iso } from "../../base/clock.js";
import { AgentError, systemCode } from "../../base/errors.js";

/** What a person accepted: exactly one certificate or host key of one server, for one connection. */
export interface AcceptedIdentity {
  readonly host: string;
  readonly port: number;
  readonly kind: "certificate" | "host-key";
  /** `sha256:` with hex digits of a certificate, `SHA256:…` of a host key. */
  readonly fingerprint: string;
  /** For people: subject, issuer, names, dates, the type of the key, and what was wrong. */
  readonly detail: Readonly<Record<string, string>>;
}

export interface KeptIdentity extends AcceptedIdentity {
  readonly connection: string;
  readonly by: string;
  readonly at: string;
}

/** What people accepted, in `.ferry/trust.yaml`. A file that cannot be read is an error: nothing is trusted then. */
export interface TrustStore {
  /** Undefined when nobody accepted anything of this server for this connection. */
  find(connection: string, host: string, port: number, kind: AcceptedIdentity["kind"]): KeptIdentity | undefined;
  list(): readonly KeptIdentity[];
  /** Keeps the identity in place of what was accepted before of the same connection and server. */
  accept(connection: string, accepted: AcceptedIdentity): Promise<void>;
  /** False when there was nothing to forget. */
  forget(connection: string): Promise<boolean>;
}

const file = z.strictObject({
  accepted: z.array(
    z.strictObject({
      connection: z.string().min(1),
      host: z.string().min(1),
      port: z.int().min(1).max(65535),
      kind: z.enum(["certificate", "host-key"]),
      fingerprint: z.string().regex(/^(sha256:[0-9a-f]{64}|SHA256:[A-Za-z0-9+/]{43})$/),
      detail: z.record(z.string(), z.string()),
      by: z.string(),
      at: z.string(),
    }),
  ),
});

/** Reads the file anew at each question, so that an answer given elsewhere counts at once. */
export function openTrustStore(path: string, { clock }: { readonly clock: Clock }): TrustStore {
  const isSame = (kept: KeptIdentity, connection: string, host: string, port: number, kind: string): boolean =>
    kept.connection === connection && kept.host === host && kept.port === port && kept.kind === kind;
  return {
    list: () => read(path),
    find: (connection, host, port, kind) => read(path).find((kept) => isSame(kept, connection, host, port, kind)),
    async accept(connection, accepted) {
      const { host, port, kind, fingerprint, detail } = accepted;
      const others = read(path).filter((kept) => !isSame(kept, connection, host, port, kind));
      const entry = {
        connection,
        host,
        port,
        kind,
        fingerprint,
        detail,
        by: `${userInfo().username}@${hostname()}`,
        at: iso(clock.now()),
      };
      write(path, [...others, entry]);
    },
    async forget(connection) {
      const all = read(path);
      const others = all.filter((kept) => kept.connection !== connection);
      if (others.length === all.length) return false;
      write(path, others);
      return true;
    },
  };
}

function read(path: string): readonly KeptIdentity[] {
  try {
    return file.parse(parse(readFileSync(path, "utf8"))).accepted;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw new AgentError("FERRY_TRUST_STORE", `${path} cannot be read, so nothing is trusted`, { cause: error });
  }
}

const HEADER =
  "# What people accepted with `ferry connection trust`. An entry holds until the server shows something else.\n";

/** Whole or not at all: a half-written file would make every connection fail. */
function write(path: string, accepted: readonly KeptIdentity[]): void {
  const temporary = `${path}.${process.pid}.part`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const handle = openSync(temporary, "w", 0o600);
    try {
      writeSync(handle, HEADER + stringify(file.parse({ accepted })));
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    throw new AgentError("FERRY_TRUST_STORE", `${path} cannot be written`, { cause: error });
  }
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
