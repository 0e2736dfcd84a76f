import { AgentError } from "../base/errors.js";
import { type Masker, Secret } from "../base/secret.js";
import type { SecretSource } from "../connections/credentials.js";
import { createDefinitionTemplates } from "../jobs/templates.js";
import { listedEnvironment } from "../settings.js";
import type { Settings } from "../settings-schema.js";
import type { Vault } from "../vault/vault.js";

export interface Secrets extends SecretSource {
  /** The filter `secret`: the value, known to the masker from now on. */
  reveal(name: string): Promise<string>;
  /** The environment that templates may read. */
  env(): Readonly<Record<string, string>>;
}

/** Secrets out of the vault; whatever leaves it is masked wherever it shows up. */
export function secretSource(options: {
  readonly vault: Vault;
  readonly masker: Masker;
  readonly timezone: string;
  readonly settings: () => Settings;
}): Secrets {
  const { vault, masker } = options;
  const get = async (name: string): Promise<Secret | undefined> => {
    const secret = await vault.get(name);
    if (secret) masker.add(secret.reveal());
    return secret;
  };
  const reveal = async (name: string): Promise<string> => {
    const secret = await get(name);
    if (!secret) throw new AgentError("FERRY_SECRET_MISSING", `the vault has no secret ${name}`);
    return secret.reveal();
  };
  const env = (): Record<string, string> => listedEnvironment(options.settings(), process.env);
  return {
    get,
    reveal,
    env,
    evaluate: (template) => createDefinitionTemplates({ timezone: options.timezone, reveal, env: env() })(template),
    protect(value) {
      masker.add(value);
      return new Secret(value);
    },
  };
}
