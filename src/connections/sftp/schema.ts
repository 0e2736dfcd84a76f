import { z } from "zod";
import * as shared from "../shared-schema.js";
import { algorithms } from "./algorithms.js";
import { foreignKeys } from "./foreign-keys.js";

const fingerprint = z
  .string()
  .regex(
    /^SHA256:[A-Za-z0-9+/]{43}=?$/,
    "expected a fingerprint as OpenSSH writes it: SHA256: with 43 characters of base64",
  )
  .transform((text) => text.replace(/=$/, ""));

/** Keys of protocol ftp that have no meaning here: a mistake that is worth its own words. */
const FTP_KEYS = [
  ...[
    "encryption",
    "certificates",
    "transferType",
    "syncDataChannel",
    "dataConnection",
    "adjustPassiveAddress",
    "passivePorts",
  ],
  ...["activePorts", "activeAddress", "dateFormat", "serverTimeZone", "avoid", "afterLogin", "account", "anonymous"],
] as const;

/** A connection of the protocol sftp, as it is written in connections.yaml. */
export const sftpSchema = z.strictObject({
  protocol: z.literal("sftp").describe("The protocol: sftp, files over SSH."),
  description: shared.description,
  group: shared.group,
  address: shared.address,
  port: shared.port.default(22).describe("Port of the server."),
  timeout: shared.timeout,
  codePage: z
    .literal("utf-8", "names are UTF-8 on sftp; another code page is for protocol ftp")
    .default("utf-8")
    .describe("Encoding of names: always utf-8."),
  username: z.string().min(1).describe("User name."),
  password: shared.password,
  privateKey: z.string().min(1).optional().describe("Private key: a file, or a name in the key store."),
  passphrase: z.string().optional().describe("Passphrase of the private key; a template with the secret filter."),
  agent: z
    .union([z.boolean(), z.string().min(1)])
    .default(false)
    .describe("Use the SSH agent: true for SSH_AUTH_SOCK, or a socket's path."),
  hostKey: z.enum(["verify", "ask", "accept"]).default("verify").describe("How the server's host key is judged."),
  fingerprint: z
    .union([fingerprint.transform((one) => [one]), z.array(fingerprint)])
    .default([])
    .describe("Fingerprints, one of which a host key of the server must have."),
  algorithms,
  jumpHost: z.string().min(1).optional().describe("Another sftp connection, through which the server is reached."),
  directory: shared.directory,
  threads: shared.threads,
  keepAlive: shared.keepAlive,
  log: shared.log,
  proxy: shared.proxy,
  bandwidth: shared.bandwidth,
  passwordExpires: shared.passwordExpires,
  retention: shared.retention,
  ...foreignKeys(FTP_KEYS, "protocol ftp"),
});

export type SftpDefinition = z.output<typeof sftpSchema>;
