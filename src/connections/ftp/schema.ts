import { z } from "zod";
import { portRange } from "../../base/units.js";
import {
  address,
  bandwidth,
  description,
  directory,
  group,
  keepAlive,
  log,
  password,
  passwordExpires,
  port,
  proxy,
  retention,
  threads,
  timeout,
  username,
} from "../shared-schema.js";
import { isDateFormat } from "./listing-dates.js";
import { certificates, encryption } from "./schema-security.js";

/** Commands that a server can be spared; Ferry has another way, or does without. */
const AVOIDABLE = ["SYST", "FEAT", "OPTS", "MLSD", "MLST", "EPSV", "SIZE", "MDTM", "MFMT", "NOOP"] as const;

const definition = z.strictObject({
  protocol: z.literal("ftp").default("ftp").describe("The protocol: ftp, with or without TLS."),
  description,
  group,
  address,
  port: port.optional().describe("Port; by default 21, or 990 where encryption.mode is implicit."),
  timeout,
  codePage: z.string().default("utf-8").describe("Encoding of names on the control channel."),
  anonymous: z.boolean().default(false).describe("Log in as anonymous, with ferry@ as the password."),
  username,
  password,
  account: z.string().default("").describe("Account, sent as ACCT only when the server asks for it."),
  directory,
  threads,
  encryption,
  certificates,
  transferType: z.enum(["binary", "ascii"]).default("binary").describe("Type of transfers: binary or ascii."),
  syncDataChannel: z.boolean().default(false).describe("Start TLS on the data connection only after the 150 reply."),
  keepAlive,
  dataConnection: z.enum(["passive", "active"]).default("passive").describe("Who opens data connections."),
  adjustPassiveAddress: z
    .union([z.boolean(), z.literal("private-only")])
    .default(true)
    .describe("Connect to the control host instead of the announced address."),
  passivePorts: portRange.optional().describe("Range of passive ports that the server's owner named."),
  activePorts: portRange.optional().describe("Ports to listen on in active mode."),
  activeAddress: z.string().default("").describe("Address to announce in active mode, if not the socket's own."),
  dateFormat: z
    .string()
    .refine(isDateFormat, "expected a format such as yy-MM-dd HH.mm.ss, each part once")
    .optional()
    .describe("Format of dates in listings, such as yy-MM-dd HH.mm.ss."),
  serverTimeZone: z.string().default("UTC").refine(isZone, "no such time zone").describe("Time zone of listings."),
  avoid: z.array(z.enum(AVOIDABLE)).default([]).describe("Commands that this server must not be sent."),
  afterLogin: z.array(afterLoginCommand()).default([]).describe("Raw commands after login; a leading * lets one fail."),
  log: log.describe("What of the transcript is kept. Errors and the replies of deliveries always are."),
  proxy,
  bandwidth,
  passwordExpires,
  retention,
});

/** A connection of the protocol ftp, as it is written in connections.yaml. */
export const ftpSchema = definition.superRefine(checkCombinations).transform((written) => ({
  ...written,
  port: written.port ?? (isImplicit(written.encryption) ? 990 : 21),
}));

export type FtpDefinition = z.output<typeof ftpSchema>;

function isImplicit(chosen: z.output<typeof encryption>): boolean {
  return chosen.protocol !== "none" && chosen.mode === "implicit";
}

function checkCombinations(written: z.output<typeof definition>, context: z.RefinementCtx): void {
  const refuse = (path: string[], message: string): void => context.addIssue({ code: "custom", path, message });
  if (written.anonymous) {
    if (written.username !== undefined) refuse(["username"], "has no place beside `anonymous: true`");
    if (written.password !== undefined) refuse(["password"], "has no place beside `anonymous: true`");
    if (written.account !== "") refuse(["account"], "has no place beside `anonymous: true`");
  } else if (written.username === undefined) {
    refuse(["username"], "is missing; set it, or `anonymous: true`");
  }
  if (written.proxy?.dataChannel && written.dataConnection === "active") {
    refuse(["dataConnection"], "active cannot go through a proxy; use passive, or set `proxy.dataChannel: false`");
  }
}

/** Commands that would open a data connection or undo what the definition says are not for `afterLogin`. */
const NOT_RAW =
  /^(USER|PASS|ACCT|REIN|QUIT|ABOR|AUTH|ADAT|PBSZ|PROT|CCC|TYPE|MODE|STRU|PORT|EPRT|PASV|EPSV|REST|RETR|STOR|STOU|APPE|LIST|NLST|MLSD)\b/i;

function afterLoginCommand() {
  return z
    .string()
    .refine((text) => /^\*?\s*[A-Za-z]{3,}/.test(text), "expected an FTP command such as SITE UMASK 027")
    .refine((text) => !/[\u0000-\u001f\u007f]/.test(text), "control characters cannot be sent to a server")
    .refine(
      (text) => !NOT_RAW.test(text.replace(/^\*\s*/, "")),
      "this command cannot be sent raw: the session depends on it",
    );
}

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}
