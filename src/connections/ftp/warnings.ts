import { AgentError } from "../../base/errors.js";
import type { ConnectionWarning } from "../warning.js";
import type { FtpDefinition } from "./schema.js";

/** What this version cannot do yet, each with the value to use instead. `open` refuses them; `validate` warns. */
export function ftpUnsupported(definition: FtpDefinition): readonly ConnectionWarning[] {
  const { encryption, certificates } = definition;
  const isEncrypted = encryption.protocol !== "none";
  const rows: readonly (readonly [boolean, string, string, string])[] = [
    [
      isEncrypted && !encryption.commandChannel,
      "encryption.commandChannel",
      "CCC is not supported yet",
      "set it to true",
    ],
    [definition.dataConnection === "active", "dataConnection", "active mode is not supported yet", "use passive"],
    [definition.proxy !== undefined, "proxy", "proxies are not supported yet", "remove it"],
    [definition.transferType === "ascii", "transferType", "ascii is not supported yet", "use binary"],
    [!/^utf-?8$/i.test(definition.codePage), "codePage", `${definition.codePage} is not supported yet`, "use utf-8"],
    [
      typeof certificates.client === "string",
      "certificates.client",
      "the store is not supported yet",
      "name the files: { cert, key }",
    ],
  ];
  return rows
    .filter(([applies]) => applies)
    .map(([, key, what, hint]) => ({
      path: key.split("."),
      code: "FERRY_NOT_SUPPORTED" as const,
      security: false,
      message: `${key}: ${what}`,
      hint,
    }));
}

export function refuseUnsupported(definition: FtpDefinition, name: string): void {
  const [first] = ftpUnsupported(definition);
  if (first) throw new AgentError("FERRY_NOT_SUPPORTED", first.message, { hint: first.hint, where: name });
}

/**
 * Keys that have no effect, and what is not safe. `written` is the definition as it stands in the file: with it, a key
 * counts as used also when it has its default value.
 */
export function ftpWarnings(definition: FtpDefinition, written?: unknown): readonly ConnectionWarning[] {
  return [...unusedKeys(definition, written), ...securityWarnings(definition)];
}

const ENCRYPTION_DEFAULTS: Readonly<Record<string, unknown>> = {
  mode: "explicit",
  dataChannel: true,
  commandChannel: true,
  sessionResumption: true,
  autoAdjustCiphers: true,
  ciphers: undefined,
  versions: "TLSv1.2,TLSv1.3",
};
const CERTIFICATE_DEFAULTS: Readonly<Record<string, unknown>> = {
  client: undefined,
  server: "verify",
  ca: "",
  pin: "",
  serverName: "",
};

function unusedKeys(definition: FtpDefinition, written: unknown): readonly ConnectionWarning[] {
  const unused: ConnectionWarning[] = [];
  const add = (path: string, why: string, isSet: boolean): void => {
    const keys = path.split(".");
    if (!(written === undefined ? isSet : isWritten(written, keys))) return;
    const message = `${path} has no effect: ${why}`;
    unused.push({
      path: keys,
      code: "FERRY_KEY_UNUSED",
      message,
      hint: "remove it, or change the key that makes it unused",
      security: false,
    });
  };
  const { encryption, certificates } = definition;
  if (encryption.protocol === "none") {
    const why = "encryption.protocol is none";
    for (const key of Object.keys(ENCRYPTION_DEFAULTS)) {
      add(`encryption.${key}`, why, differs(encryption[key as keyof typeof encryption], ENCRYPTION_DEFAULTS[key]));
    }
    for (const key of Object.keys(CERTIFICATE_DEFAULTS)) {
      add(
        `certificates.${key}`,
        why,
        differs(certificates[key as keyof typeof certificates], CERTIFICATE_DEFAULTS[key]),
      );
    }
    add("syncDataChannel", why, definition.syncDataChannel);
  } else if (encryption.autoAdjustCiphers) {
    add("encryption.ciphers", "autoAdjustCiphers is true", encryption.ciphers !== undefined);
  }
  if (definition.dataConnection === "passive") {
    add("activePorts", "dataConnection is passive", definition.activePorts !== undefined);
    add("activeAddress", "dataConnection is passive", definition.activeAddress !== "");
  } else {
    add("passivePorts", "dataConnection is active", definition.passivePorts !== undefined);
    add("adjustPassiveAddress", "dataConnection is active", definition.adjustPassiveAddress !== true);
  }
  return unused;
}

function differs(value: unknown, byDefault: unknown): boolean {
  return (Array.isArray(value) ? value.join(",") : value) !== byDefault;
}

function isWritten(written: unknown, path: readonly string[]): boolean {
  let place: unknown = written;
  for (const key of path) {
    if (typeof place !== "object" || place === null || !Object.hasOwn(place, key)) return false;
    place = (place as Record<string, unknown>)[key];
  }
  return place !== undefined;
}

function securityWarnings(definition: FtpDefinition): readonly ConnectionWarning[] {
  const { encryption, certificates } = definition;
  const warn = (path: string, message: string, hint: string): ConnectionWarning => ({
    ...{ path: path.split("."), code: "FERRY_SECURITY" as const, message, hint, security: true },
  });
  const inClear = secretsInClear(definition).map((path) =>
    warn(path, `${path} is written in clear`, "put it into the vault with `ferry secret set`, and write a template"),
  );
  if (encryption.protocol === "none") {
    const message = "plain FTP: the password and all files cross the network in clear";
    return [warn("encryption.protocol", message, "use tls, if the server has it"), ...inClear];
  }
  const old = encryption.versions.filter((version) => version === "TLSv1" || version === "TLSv1.1");
  return [
    ...(certificates.server === "accept"
      ? [
          warn(
            "certificates.server",
            "any certificate is accepted: anybody can pose as the server",
            "use verify, with `ca` or `pin`",
          ),
        ]
      : []),
    ...(encryption.dataChannel
      ? []
      : [warn("encryption.dataChannel", "files cross the network in clear", "set it to true")]),
    ...(encryption.commandChannel
      ? []
      : [warn("encryption.commandChannel", "commands cross the network in clear after CCC", "set it to true")]),
    ...(old.length > 0
      ? [warn("encryption.versions", `${old.join(" and ")} can be broken`, "use TLSv1.2 and TLSv1.3")]
      : []),
    ...inClear,
  ];
}

function secretsInClear({ password, account, certificates, proxy }: FtpDefinition): readonly string[] {
  const passphrase = typeof certificates.client === "object" ? certificates.client.passphrase : "";
  const secrets = {
    password,
    account,
    "certificates.client.passphrase": passphrase,
    "proxy.password": proxy?.password,
  };
  return Object.entries(secrets).flatMap(([path, value]) => (value && !value.includes("{{") ? [path] : []));
}
