import { z } from "zod";
import { duration, rate } from "../base/units.js";

/** Keys that every remote protocol shares. */

const TIMEOUTS = { connect: 30_000, reply: 30_000, stall: 60_000, completion: 300_000 };

/** Deadlines in milliseconds. */
export interface Timeouts {
  readonly connect: number;
  readonly reply: number;
  readonly stall: number;
  readonly completion: number;
}

export const timeout = z
  .union([
    duration.transform((ms): Timeouts => ({ connect: ms, reply: ms, stall: ms, completion: TIMEOUTS.completion })),
    z.strictObject({
      connect: duration
        .default(TIMEOUTS.connect)
        .describe("To establish the connection, with its TLS or SSH handshake."),
      reply: duration.default(TIMEOUTS.reply).describe("For the answer to one command."),
      stall: duration.default(TIMEOUTS.stall).describe("Without a byte moving in a transfer."),
      completion: duration.default(TIMEOUTS.completion).describe("For the confirmation after the last byte."),
    }),
  ])
  .default(TIMEOUTS)
  .describe("Deadlines, as one duration (all but completion) or by part.");

const threadCount = z.int().min(1).max(8);
export const threads = z
  .strictObject({
    upload: threadCount.default(1).describe("Concurrent sessions that upload."),
    download: threadCount.default(1).describe("Concurrent sessions that download."),
  })
  .default({ upload: 1, download: 1 })
  .describe("Concurrent sessions, shared by all runs, 1 to 8 in each direction.");

export const keepAlive = z
  .union([z.literal("off"), z.literal(false).transform(() => "off" as const), duration])
  .default(30_000)
  .describe("Interval of keep-alives while the session is idle, or off.");

export const proxy = z
  .strictObject({
    type: z.enum(["http", "socks4", "socks5"]).describe("Kind of proxy: http (CONNECT), socks4 or socks5."),
    address: z.string().min(1).describe("Host name or address of the proxy."),
    port: z.int().min(1).max(65535).describe("Port of the proxy."),
    username: z.string().default("").describe("User name for the proxy."),
    password: z.string().default("").describe("Password for the proxy; a template with the secret filter."),
    domain: z.string().default("").describe("Windows domain, sent as DOMAIN\\user."),
    dataChannel: z.boolean().default(true).describe("Whether data connections go through the proxy, too."),
  })
  .optional()
  .describe("Proxy through which the server is reached.");

export const bandwidth = rate.optional().describe("Upper limit over all sessions of this connection.");
export const description = z.string().optional().describe("What the connection is for.");
export const group = z.string().optional().describe("Group that the connection is listed in.");
export const passwordExpires = z
  .union([z.string(), z.date().transform((date) => date.toISOString().slice(0, 10))])
  .refine((text) => /^\d{4}-\d{2}-\d{2}$/.test(text), "expected a date such as 2027-03-31")
  .optional()
  .describe("Date on which the partner lets the password expire.");
export const retention = duration.optional().describe("How long the partner keeps files.");
export const log = z
  .strictObject({
    sent: z.boolean().default(true).describe("Keep the lines that were sent."),
    received: z.boolean().default(true).describe("Keep the lines that were received."),
  })
  .default({ sent: true, received: true })
  .describe("What of the transcript is kept; errors and the replies of deliveries are always kept.");
export const username = z.string().optional().describe("User name.");
export const password = z.string().optional().describe("Password; by default the secret with the connection's name.");
export const address = z.string().min(1).describe("Host name or IP address of the server.");
export const port = z.int().min(1).max(65535);
export const directory = z.string().optional().describe("Folder on the server that relative paths start at.");
