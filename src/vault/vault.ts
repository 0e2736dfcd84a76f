import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, iso } from "../base/clock.js";
import { AgentError, systemCode } from "../base/errors.js";
import { Secret } from "../base/secret.js";
import { createKeyFile, findKeyPlace, type KeyPlace, type KeyPlaces, readIdentities } from "./key-file.js";
import { readPrivateFile } from "./private-file.js";
import { type Secrets, type StoredSecret, seal, unseal } from "./sealed.js";
import { replaceFile } from "./whole-file.js";

/** The encrypted store of passwords and keys. What cannot be opened whole fails with FERRY_VAULT; nothing partial is used. */
export interface Vault {
  get(name: string): Promise<Secret | undefined>;
  /** Durable when it resolves. The first use makes the key file. */
  set(name: string, value: Secret): Promise<void>;
  /** False when there was none of that name. */
  remove(name: string): Promise<boolean>;
  list(): Promise<readonly SecretEntry[]>;
}

export interface SecretEntry {
  readonly name: string;
  readonly setAt: Date;
}

export interface VaultOptions extends KeyPlaces {
  /** The workspace's state folder, `.ferry`. */
  readonly folder: string;
  readonly clock: Clock;
}

export function openVault(options: VaultOptions): Vault {
  const file = join(options.folder, "vault.age");
  const content = cachedContent(file, options);
  let last: Promise<unknown> = Promise.resolve();
  /** Changes come one after the other, each upon what the one before wrote. */
  const change = <T>(edit: (secrets: Map<string, StoredSecret>) => T): Promise<T> => {
    const done = last.then(() => edited(file, options, content, edit));
    last = done.catch(() => {});
    return done;
  };
  return {
    async get(name) {
      const found = (await content()).get(checkedName(name));
      return found && new Secret(found.value);
    },
    async set(name, value) {
      const entry = { value: value.reveal(), setAt: iso(options.clock.now()) };
      await change((secrets) => void secrets.set(checkedName(name), entry));
    },
    remove: async (name) => change((secrets) => secrets.delete(checkedName(name))),
    async list() {
      const entries = [...(await content())].map(([name, entry]) => ({ name, setAt: new Date(entry.setAt) }));
      return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },
  };
}

type Content = () => Promise<Secrets>;

/** Decrypts again only when the file has become another: a command may change it while the agent runs. */
function cachedContent(file: string, options: VaultOptions): Content {
  let known: { readonly stamp: string; readonly secrets: Secrets } | undefined;
  return async () => {
    if (known && known.stamp === (await stampOf(file))) return known.secrets;
    known = undefined;
    const sealed = await readPrivateFile(file, "own");
    if (!sealed) return new Map();
    const { mtimeNs, size, ino } = sealed.stats;
    const secrets = await openSealed(file, sealed.content, await findKeyPlace(options));
    known = { stamp: `${mtimeNs} ${size} ${ino}`, secrets };
    return secrets;
  };
}

async function stampOf(file: string): Promise<string | undefined> {
  try {
    const { mtimeNs, size, ino } = await stat(file, { bigint: true });
    return `${mtimeNs} ${size} ${ino}`;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw new AgentError("FERRY_VAULT", `${file} cannot be read`, { cause: error, where: file });
  }
}

async function openSealed(file: string, sealed: Uint8Array, place: KeyPlace): Promise<Secrets> {
  const identities = await readIdentities(place);
  if (!identities) throw missingKey(file, place);
  try {
    return await unseal(sealed, identities);
  } catch (error) {
    throw new AgentError("FERRY_VAULT", `${file} cannot be opened with the key file ${place.path}`, {
      cause: error,
      where: file,
    });
  }
}

async function edited<T>(
  file: string,
  options: VaultOptions,
  content: Content,
  edit: (secrets: Map<string, StoredSecret>) => T,
): Promise<T> {
  const before = await content();
  const after = new Map(before);
  const result = edit(after);
  if (result === false) return result;
  const place = await findKeyPlace(options);
  // Before there is a vault a key may be made; later, one that is missing is lost, and another would not help.
  if ((await stampOf(file)) === undefined && !(await readIdentities(place))) await createKeyFile(place, options.clock);
  const [identity] = (await readIdentities(place)) ?? [];
  if (identity === undefined) throw missingKey(file, place);
  try {
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    await replaceFile(file, await seal(after, identity));
  } catch (error) {
    throw new AgentError("FERRY_VAULT", `${file} cannot be written with the key file ${place.path}`, {
      cause: error,
      where: file,
    });
  }
  return result;
}

function missingKey(file: string, place: KeyPlace): AgentError {
  return new AgentError("FERRY_VAULT", `the key file ${place.path} of ${file} is not there`, {
    where: place.path,
    hint: "restore it, or name it in FERRY_VAULT_KEY_FILE; without it the vault cannot be opened",
  });
}

/** Names are written in templates, on command lines and in lists. */
function checkedName(name: string): string {
  if (/^[A-Za-z0-9._-]{1,128}$/.test(name)) return name;
  throw new AgentError("FERRY_USAGE", "the name of a secret must be of letters, digits, dots, hyphens and underscores");
}
