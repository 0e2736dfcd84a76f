import type { ConnectionWarning } from "../warning.js";
import { weakNames } from "./algorithms.js";
import type { SftpDefinition } from "./schema.js";

export function sftpWarnings(definition: SftpDefinition): readonly ConnectionWarning[] {
  return [...security(definition), ...notSupported(definition), ...unused(definition)];
}

/** Keys that are known and not yet served: opening such a connection fails rather than doing something else. */
export function notSupported(definition: SftpDefinition): readonly ConnectionWarning[] {
  const found = (path: string, hint: string): ConnectionWarning[] => [
    {
      path: [path],
      code: "FERRY_NOT_SUPPORTED",
      message: `\`${path}\` is not supported for sftp yet`,
      hint,
      security: false,
    },
  ];
  return [
    ...(definition.jumpHost === undefined
      ? []
      : found("jumpHost", "remove the key; reach the server directly, or through a tunnel of your own")),
    ...(definition.proxy === undefined
      ? []
      : found("proxy", "remove the key; reach the server directly, or through a tunnel of your own")),
  ];
}

function security(definition: SftpDefinition): readonly ConnectionWarning[] {
  const warnings: ConnectionWarning[] = [];
  const warn = (path: string[], message: string, hint: string): void =>
    void warnings.push({ path, code: "FERRY_SECURITY", message, hint, security: true });
  if (definition.hostKey === "accept") {
    warn(
      ["hostKey"],
      "any host key is accepted: nothing tells this server from another",
      "set `fingerprint`, or accept its key with `ferry connection trust`",
    );
  }
  for (const key of ["password", "passphrase"] as const) {
    if (isClear(definition[key]))
      warn(
        [key],
        `the ${key} stands in clear in the definition`,
        `store it with \`ferry secret set NAME\`, and write '{{ "NAME" | secret }}'`,
      );
  }
  const weak = weakNames(definition.algorithms);
  if (weak.length > 0)
    warn(
      ["algorithms"],
      `${weak.join(", ")}: broken, and used if the server wants it`,
      "remove it as soon as the server has something better",
    );
  return warnings;
}

function unused(definition: SftpDefinition): readonly ConnectionWarning[] {
  const hasKey = definition.privateKey !== undefined;
  if (definition.passphrase === undefined || hasKey) return [];
  return [
    {
      path: ["passphrase"],
      code: "FERRY_KEY_UNUSED",
      message: "`passphrase` has no effect without `privateKey`",
      hint: "remove it, or name the key",
      security: false,
    },
  ];
}

/** A text that is not a template holds the secret itself. */
function isClear(text: string | undefined): boolean {
  return text !== undefined && text !== "" && !text.includes("{{");
}
