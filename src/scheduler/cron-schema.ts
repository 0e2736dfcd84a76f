import { z } from "zod";
import { duration } from "../base/units.js";
import { patternProblem } from "./cron-calculator.js";

const pattern = z.string().superRefine((text, context) => {
  const problem = patternProblem(text);
  if (problem === undefined) return;
  context.addIssue({
    code: "custom",
    message: `expected a cron pattern such as "30 2 * * *", found ${JSON.stringify(text)}: ${problem}`,
  });
});

const dst = z.strictObject({
  gap: z
    .enum(["shift", "skip"])
    .default("shift")
    .describe("An hour that summer time leaves out: runs right after it, or not."),
  repeat: z
    .enum(["first", "last", "both"])
    .default("first")
    .describe("An hour that comes twice: which of the two runs."),
});

export const cronSchema = z.strictObject({
  cron: pattern.describe("Pattern of 5 or 6 fields, with L, W, # and names."),
  dst: dst.prefault({}).describe("What becomes of fixed hours when clocks change."),
  missed: z
    .enum(["latest", "skip", "all"])
    .default("latest")
    .describe("Which firings run that fell while the agent was down."),
  missedWithin: duration.prefault("24h").describe("Missed firings older than this do not run."),
  usefulUntil: z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/, "expected a time of day such as 07:00")
    .optional()
    .describe("Time of day after which a start is skipped as late."),
});

export type CronSpec = z.output<typeof cronSchema>;
