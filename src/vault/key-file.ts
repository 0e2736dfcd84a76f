import { mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { type Clock, iso } from "../base/clock.js";
import { AgentError } from "../base/errors.js";
import { type Keeper, readPrivateFile } from "./private-file.js";
import { createFile } from "./whole-file.js";

/** Where the vault's key is, or is to be. */
export interface KeyPlace {
  readonly path: string;
  readonly keeper: Keeper;
}

export interface KeyPlaces {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's home folder. */
  readonly home: string;
}

/** The places in order: what FERRY_VAULT_KEY_FILE names, else systemd's credential, else the user's configuration folder. */
export async function findKeyPlace({ env, home }: KeyPlaces): Promise<KeyPlace> {
  if (env.FERRY_VAULT_KEY_FILE) return { path: resolve(env.FERRY_VAULT_KEY_FILE), keeper: "own" };
  if (env.CREDENTIALS_DIRECTORY) {
    const path = join(env.CREDENTIALS_DIRECTORY, "ferry-vault-key");
    if (await readPrivateFile(path, "credential")) return { path, keeper: "credential" };
  }
  return { path: join(env.XDG_CONFIG_HOME || join(home, ".config"), "ferry", "vault.key"), keeper: "own" };
}

/** The identities in the key file, never shown; undefined when there is no such file. */
export async function readIdentities(place: KeyPlace): Promise<readonly string[] | undefined> {
  const file = await readPrivateFile(place.path, place.keeper);
  if (!file) return undefined;
  const lines = file.content.toString("utf8").split(/\r?\n/);
  const identities = lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  if (identities.length > 0 && identities.every((line) => line.startsWith("AGE-SECRET-KEY-"))) return identities;
  throw new AgentError("FERRY_VAULT", `${place.path} is not a key file: it must hold a line AGE-SECRET-KEY-1…`, {
    where: place.path,
    hint: "make one with `age-keygen`, or restore the one that the vault was made with",
  });
}

/** Makes a key file as `age-keygen` does. Where another process was faster, its key counts. */
export async function createKeyFile(place: KeyPlace, clock: Clock): Promise<void> {
  // Debian 12's age knows no post-quantum keys, and the vault must open with it.
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  try {
    await mkdir(dirname(place.path), { recursive: true, mode: 0o700 });
    await createFile(place.path, `# created: ${iso(clock.now())}\n# public key: ${recipient}\n${identity}\n`);
  } catch (error) {
    throw new AgentError("FERRY_VAULT", `the key file ${place.path} cannot be made`, {
      cause: error,
      where: place.path,
    });
  }
}
