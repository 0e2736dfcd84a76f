import { instants } from "./cron-calculator.js";
import type { CronSpec } from "./cron-schema.js";
import type { Firing } from "./trigger.js";

/** The circumstances under which due instants are booked. */
export interface Backlog {
  readonly now: Date;
  /** The last instant that is due. */
  readonly latest: Date;
  /** What is older has been missed. */
  readonly graceMs: number;
  readonly timezone: string;
}

/** What becomes of one due instant: it runs, or is skipped with its reason. */
export function plan(spec: CronSpec, instant: Date, backlog: Backlog): Firing {
  const usefulUntil = endOfUse(spec, instant, backlog.timezone);
  const skip = missed(spec, instant, backlog) ?? late(spec, usefulUntil, backlog.now);
  return {
    key: instant.toISOString(),
    dueAt: instant,
    ...(usefulUntil && { usefulUntil }),
    ...(skip !== undefined && { skip }),
  };
}

/** The next `usefulUntil` on the job's clock after an instant. */
function endOfUse(spec: CronSpec, instant: Date, timezone: string): Date | undefined {
  if (spec.usefulUntil === undefined) return undefined;
  const [hours, minutes] = spec.usefulUntil.split(":").map(Number);
  for (const end of instants(`${minutes} ${hours} * * *`, timezone, { after: instant })) return end;
  return undefined;
}

function missed(spec: CronSpec, instant: Date, { now, latest, graceMs }: Backlog): string | undefined {
  const age = now.getTime() - instant.getTime();
  if (age <= graceMs) return undefined;
  if (spec.missed === "skip") return "missed: nobody watched the clock when it was due, and `missed` is skip";
  if (age > spec.missedWithin) return "missed: it was due longer ago than `missedWithin`";
  if (spec.missed === "latest" && instant < latest) return "missed: of several missed firings only the latest runs";
  return undefined;
}

function late(spec: CronSpec, usefulUntil: Date | undefined, now: Date): string | undefined {
  return usefulUntil && now > usefulUntil ? `late: it was of use until ${spec.usefulUntil}` : undefined;
}
