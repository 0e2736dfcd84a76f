import { readFile, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { AgentError, systemCode } from "../base/errors.js";
import type { Secret } from "../base/secret.js";
import type { ConnectionSecrets } from "./driver.js";

/** Where the secrets of connections come from. */
export interface SecretSource {
  /** The vault's secret of that name. */
  get(name: string): Promise<Secret | undefined>;
  /** Evaluates a template of a connection: `{{ "bank" | secret }}`, `{{ env.NAME }}`. */
  evaluate(template: string): Promise<string>;
  /** A value that is a secret from now on: masked wherever it shows up. */
  protect(value: string): Secret;
}

/** The keys of a definition that hold credentials, as far as its protocol has them. */
interface WithCredentials {
  readonly protocol: string;
  readonly password?: string | undefined;
  readonly account?: string | undefined;
  readonly passphrase?: string | undefined;
  readonly privateKey?: string | undefined;
  readonly certificates?: { readonly client?: string | { readonly passphrase: string } | undefined } | undefined;
  readonly anonymous?: boolean | undefined;
  readonly proxy?: { readonly password?: string | undefined } | undefined;
}

/** Resolves what a login needs, at the moment of the login. The password is by default the secret with the connection's name. */
export async function resolveCredentials(
  name: string,
  definition: WithCredentials,
  source: SecretSource,
  workspace: string,
): Promise<ConnectionSecrets> {
  const given = async (template: string | undefined): Promise<Secret | undefined> =>
    template === undefined || template === "" ? undefined : source.protect(await source.evaluate(template));
  const key =
    definition.privateKey === undefined
      ? undefined
      : await source.protect(await readPrivateKey(await source.evaluate(definition.privateKey), workspace));
  return {
    password: (await given(definition.password)) ?? (definition.anonymous ? undefined : await source.get(name)),
    account: await given(definition.account),
    passphrase: await given(passphraseOf(definition)),
    privateKey: key,
    proxyPassword: await given(definition.proxy?.password),
  };
}

/** SFTP's is the private key's, FTP's that of the client certificate. */
function passphraseOf({ passphrase, certificates }: WithCredentials): string | undefined {
  const client = certificates?.client;
  return typeof client === "object" ? client.passphrase : passphrase;
}

/** `definition` with every template in it evaluated, except those of its credentials. */
export async function renderDefinition<Definition extends object>(
  definition: Definition,
  source: SecretSource,
): Promise<Definition> {
  const CREDENTIALS = new Set(["password", "account", "passphrase", "privateKey", "proxy"]);
  const entries = Object.entries(definition).map(
    async ([key, value]) => [key, CREDENTIALS.has(key) ? value : await render(value, source)] as const,
  );
  // Every value keeps its type: only texts are replaced, by texts.
  return Object.fromEntries(await Promise.all(entries)) as Definition;
}

async function render(value: unknown, source: SecretSource): Promise<unknown> {
  if (typeof value === "string") return value.includes("{{") ? source.evaluate(value) : value;
  if (Array.isArray(value)) return Promise.all(value.map((item) => render(item, source)));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    await Promise.all(Object.entries(value).map(async ([key, item]) => [key, await render(item, source)] as const)),
  );
}

/** A path from the workspace, else the name of a key in `.ferry/keys`. */
async function readPrivateKey(text: string, workspace: string): Promise<string> {
  const path = isAbsolute(text) ? text : join(workspace, text);
  const stored = join(workspace, ".ferry", "keys", text);
  for (const candidate of [path, stored]) {
    try {
      const { mode } = await stat(candidate);
      if ((mode & 0o077) !== 0) {
        throw new AgentError(
          "FERRY_UNSAFE_PERMISSIONS",
          `the private key ${candidate} can be read by others (mode ${(mode & 0o777).toString(8)})`,
          { hint: `chmod 600 ${candidate}` },
        );
      }
      return await readFile(candidate, "utf8");
    } catch (error) {
      if (systemCode(error) !== "ENOENT" && systemCode(error) !== "ENOTDIR") throw error;
    }
  }
  throw new AgentError("FERRY_FILE_NOT_FOUND", `the private key ${path} is not there`, {
    hint: "see `privateKey` of the connection",
  });
}
