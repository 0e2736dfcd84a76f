import { z } from "zod";
import { duration, size } from "./base/units.js";
import { zone } from "./base/zone.js";

const smtp = z.strictObject({
  address: z.string().min(1).describe("Mail server."),
  port: z.int().min(1).max(65535).default(587).describe("Its port."),
  security: z.enum(["none", "starttls", "tls"]).default("starttls").describe("How the conversation is protected."),
  username: z.string().default("").describe("User name; empty for none."),
  password: z.string().default("").describe("Password; a template with the secret filter."),
  from: z.string().min(1).describe("Address that mails come from."),
});

const channel = z.union([
  z.strictObject({
    email: z
      .strictObject({ to: z.union([z.string(), z.array(z.string()).min(1)]).describe("Addresses.") })
      .describe("Sends a mail."),
  }),
  z.strictObject({
    webhook: z
      .strictObject({
        url: z.string().min(1).describe("Where it is posted; usually a secret."),
        format: z
          .enum(["generic", "slack", "teams"])
          .default("generic")
          .describe("Form of the document that is posted."),
      })
      .describe("Posts a document."),
  }),
  z.strictObject({ command: z.array(z.string()).min(1).describe("Starts a program; no shell.") }),
]);

/** Who is told of what: a channel, or several. */
export const notify = z.strictObject({
  failure: channels("A run failed."),
  recovery: channels("A run succeeded after one that failed."),
  late: channels("What was expected did not come in time."),
  held: channels("A delivery is in doubt."),
  expiry: channels("A certificate, key or password will stop working."),
});

function channels(when: string) {
  return z
    .union([z.string(), z.array(z.string())])
    .optional()
    .describe(when);
}

/** ferry.yaml, every key of it; all have a default. */
export const settingsSchema = z.strictObject({
  timezone: zone.optional().describe("Time zone of jobs that name none; by default the machine's."),
  policy: z.enum(["standard", "strict"]).default("standard").describe("Strict makes security warnings errors."),
  env: z
    .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "only letters, digits and '_' may stand in a variable's name"))
    .default([])
    .describe("Environment variables that templates may read."),
  concurrency: z.int().min(1).max(1000).default(8).describe("Runs at once."),
  history: z
    .strictObject({
      keep: duration.optional().describe("How long runs are kept; by default for ever."),
      transcripts: duration.optional().describe("How long transcripts are kept; by default for ever."),
      maximum: size.optional().describe("The database's largest size; by default none."),
    })
    .default({})
    .describe("What is pruned; by default nothing."),
  log: z
    .strictObject({
      level: z.enum(["debug", "info", "warn", "error"]).default("info").describe("The least that is logged."),
      format: z.enum(["text", "json"]).default("text").describe("Form of the lines."),
      keep: duration.prefault("30d").describe("How long log files are kept."),
    })
    .prefault({})
    .describe("The agent's own log."),
  smtp: smtp.optional().describe("Mail server for channels and the email task."),
  channels: z.record(z.string().min(1), channel).default({}).describe("Ways to tell people."),
  notify: notify.default({}).describe("Which channel is told of what, for all jobs."),
});

/** ferry.yaml as it is in force: durations in milliseconds, sizes in bytes. */
export type Settings = z.output<typeof settingsSchema>;
