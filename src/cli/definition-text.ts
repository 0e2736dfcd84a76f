import { stringify } from "yaml";
import { createMasker } from "../base/secret.js";

const MASK = "********";
const SECRET_KEYS = new Set(["password", "passphrase", "account", "privateKey"]);

/** A definition as it may be shown: a template names a secret and stays, a value in clear does not. */
export function withoutSecrets<Definition extends object>(definition: Definition): Definition {
  // The masked copy has the shape of what was given: texts are replaced by texts.
  return masked(definition, undefined) as Definition;
}

const masker = createMasker();

function masked(value: unknown, key: string | undefined): unknown {
  if (typeof value === "string") {
    if (key !== undefined && SECRET_KEYS.has(key) && value !== "" && !isReference(key, value)) return MASK;
    return masker.mask(value);
  }
  if (Array.isArray(value)) return value.map((item) => masked(item, key));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, masked(item, name)]));
}

/** A template without text around it, or the path of a key: the credential itself is elsewhere. */
function isReference(key: string, value: string): boolean {
  if (key === "privateKey") return !value.includes("-----BEGIN");
  return /^\s*\{\{[^{}]*\}\}\s*$/.test(value) && !/["'][^"']*["']\s*\}\}/.test(value);
}

/** The lines of `value` as YAML; what is undefined is left out. */
export function yamlLines(value: unknown): string[] {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd().split("\n");
}
