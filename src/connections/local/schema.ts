import { z } from "zod";
import { foreignKeys } from "../sftp/foreign-keys.js";
import * as shared from "../shared-schema.js";

const REMOTE_KEYS = [
  ...[
    "address",
    "port",
    "timeout",
    "codePage",
    "username",
    "password",
    "threads",
    "keepAlive",
    "log",
    "proxy",
    "bandwidth",
  ],
  ...["passwordExpires", "retention"],
] as const;
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
const SFTP_KEYS = ["privateKey", "passphrase", "agent", "hostKey", "fingerprint", "algorithms", "jumpHost"] as const;

/** A folder of this machine, or a share that is mounted on it. */
export const localSchema = z.strictObject({
  protocol: z.literal("local").describe("The protocol: local, a folder or a mounted share."),
  description: shared.description,
  group: shared.group,
  directory: z.string().min(1).describe("The folder; a relative path starts at the workspace."),
  ...foreignKeys(REMOTE_KEYS, "protocol ftp and sftp"),
  ...foreignKeys(FTP_KEYS, "protocol ftp"),
  ...foreignKeys(SFTP_KEYS, "protocol sftp"),
});

export type LocalDefinition = z.output<typeof localSchema>;
