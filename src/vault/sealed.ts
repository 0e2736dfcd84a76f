import { Decrypter, Encrypter, identityToRecipient } from "age-encryption";

/** A secret as the vault file has it. */
export interface StoredSecret {
  readonly value: string;
  /** ISO 8601. */
  readonly setAt: string;
}

export type Secrets = ReadonlyMap<string, StoredSecret>;

const BAD_IDENTITY = "a line of the key file is not a valid identity";

/** One encrypted file: `age -d -i KEYFILE vault.age` shows a JSON map from names to values. */
export async function seal(secrets: Secrets, identity: string): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(await recipientOf(identity));
  return encrypter.encrypt(`${JSON.stringify(Object.fromEntries(secrets), undefined, 2)}\n`);
}

/** The library's complaint about a mistyped key quotes the key. */
async function recipientOf(identity: string): Promise<string> {
  try {
    return await identityToRecipient(identity);
  } catch {
    throw new Error(BAD_IDENTITY);
  }
}

/** All of it or nothing: every bit is authenticated. What fails here says nothing of the content. */
export async function unseal(content: Uint8Array, identities: readonly string[]): Promise<Secrets> {
  const decrypter = new Decrypter();
  for (const identity of identities) addIdentity(decrypter, identity);
  return parse(await decrypter.decrypt(content, "text"));
}

function addIdentity(decrypter: Decrypter, identity: string): void {
  try {
    decrypter.addIdentity(identity);
  } catch {
    throw new Error(BAD_IDENTITY);
  }
}

function parse(text: string): Secrets {
  const entries = Object.entries(parseObject(text));
  return new Map(entries.map(([name, entry]) => [name, storedSecret(name, entry)]));
}

/** A parser's message quotes what it read, so it is not passed on. */
function parseObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {}
  throw new Error("its content is not a JSON map");
}

function storedSecret(name: string, entry: unknown): StoredSecret {
  if (typeof entry === "object" && entry !== null && "value" in entry && "setAt" in entry) {
    const { value, setAt } = entry;
    if (typeof value === "string" && typeof setAt === "string") return { value, setAt };
  }
  throw new Error(`its entry ${name} has not the texts value and setAt`);
}
