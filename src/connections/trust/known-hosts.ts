import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { AgentError } from "../../base/errors.js";

/** A host key that one of OpenSSH's files has for a server. */
export interface KnownKey {
  readonly type: string;
  readonly key: Buffer;
  readonly isRevoked: boolean;
  /** The file and line, for people. */
  readonly where: string;
}

/** The files that OpenSSH's own client reads. */
export function systemKnownHosts(): readonly string[] {
  return [join(homedir(), ".ssh", "known_hosts"), "/etc/ssh/ssh_known_hosts"];
}

/** What the files know of a server. As OpenSSH does, a server on an unusual port may also stand there without it. */
export function knownKeys(files: readonly string[], host: string, port: number): readonly KnownKey[] {
  const texts = files.map((path) => ({ path, text: readable(path) }));
  const named = (name: string): KnownKey[] => texts.flatMap(({ path, text }) => parseKnownHosts(text, name, path));
  if (port === 22) return named(host);
  const exactly = named(`[${host}]:${port}`);
  return exactly.length > 0 ? exactly : named(host);
}

/**
 * The keys of `name` (`host` or `[host]:port`) in a known_hosts file. A line that cannot be read is passed over, unless
 * it concerns this server: then nobody can say what it meant, and nothing is trusted.
 */
export function parseKnownHosts(text: string, name: string, path: string): readonly KnownKey[] {
  return text.split("\n").flatMap((line, index) => {
    const fields = line.trim().split(/[ \t]+/);
    const marker = fields[0]?.startsWith("@") ? fields.shift() : undefined;
    const [hosts, type, encoded] = fields;
    if (!hosts || hosts.startsWith("#") || !matchesHosts(hosts, name)) return [];
    // Certificates of hosts are not understood by the SSH library.
    if (marker === "@cert-authority") return [];
    const where = `${path}, line ${index + 1}`;
    const key = decoded(type, encoded);
    if (!key || (marker !== undefined && marker !== "@revoked")) {
      throw new AgentError("FERRY_TRUST_STORE", `${where} concerns ${name} and cannot be read`, {
        hint: `correct or remove that line: ssh-keygen -R '${name}'`,
      });
    }
    return [{ type: type ?? "", key, isRevoked: marker === "@revoked", where }];
  });
}

/** `a,*.b,!c.b`, or one hashed name. */
function matchesHosts(hosts: string, name: string): boolean {
  if (hosts.startsWith("|")) return matchesHash(hosts, name);
  const patterns = hosts.toLowerCase().split(",");
  const wanted = name.toLowerCase();
  if (patterns.some((pattern) => pattern.startsWith("!") && matchesPattern(pattern.slice(1), wanted))) return false;
  return patterns.some((pattern) => !pattern.startsWith("!") && matchesPattern(pattern, wanted));
}

/** `|1|salt|HMAC-SHA1 of the name`. */
function matchesHash(hashed: string, name: string): boolean {
  const [, version, salt, hash] = hashed.split("|");
  if (version !== "1" || !salt || !hash) return false;
  const expected = Buffer.from(hash, "base64");
  const found = createHmac("sha1", Buffer.from(salt, "base64")).update(name.toLowerCase()).digest();
  return expected.length === found.length && timingSafeEqual(expected, found);
}

/** `*` and `?`, and nothing else: brackets are part of a name with a port. Linear, because the file is not ours. */
function matchesPattern(pattern: string, name: string): boolean {
  let [p, n, star, mark] = [0, 0, -1, 0];
  while (n < name.length) {
    if (pattern[p] === "*") {
      star = p++;
      mark = n;
    } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === name[n])) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++mark;
    } else {
      return false;
    }
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}

/** The blob, when it is one of the type that the line says. */
function decoded(type: string | undefined, encoded: string | undefined): Buffer | undefined {
  if (!type || !encoded || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return undefined;
  const key = Buffer.from(encoded, "base64");
  const length = key.length > 4 ? key.readUInt32BE(0) : 0;
  return key.subarray(4, 4 + length).toString("latin1") === type && key.length > 4 + length ? key : undefined;
}

/** A file that is not there or not for us knows nothing. */
function readable(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
