import { instants, lastInstant } from "./cron-calculator.js";
import { plan } from "./cron-plan.js";
import { type CronSpec, cronSchema } from "./cron-schema.js";
import { defineTrigger, type Firing, type TriggerContext, type Upcoming } from "./trigger.js";

/** Someone watched the clock, but it or the machine may have stood still: a suspension is noticed after 15 s. */
const RUNNING_GRACE_MS = 30_000;
/** What fell before the trigger was watched was missed, unless it had just been due. */
const START_GRACE_MS = 1_000;
/** A transaction stays small even when a year of minutes was missed. */
const MOST_IN_A_BOOKING = 5_000;
const FAR_AHEAD_MS = 3_600_000;

export const cron = defineTrigger({
  type: "cron",
  description: "Fires by the clock, in the job's time zone.",
  schema: cronSchema,
  identity: (spec) => `cron ${spec.cron}`,
  async watch(spec, context) {
    const known = await context.marks.instant(context.job, context.trigger);
    const watchedMs = Math.floor(context.watchedMs());
    let mark = known ?? new Date(context.clock.now().getTime() - watchedMs);
    if (known === undefined) await context.book([], { instant: mark });
    warnIfAhead(mark, context);
    // What could not be booked at its time, because the store refused it, was not missed.
    for (let graceMs = watchedMs + START_GRACE_MS; !context.signal.aborted; graceMs = RUNNING_GRACE_MS) {
      mark = await bookDue(spec, context, mark, graceMs);
      await untilNext(spec, context, mark);
    }
  },
  next(spec, { timezone, from, until, count }) {
    const found: Upcoming[] = [];
    const after = new Date(from.getTime() - 1);
    for (const at of instants(spec.cron, timezone, { after, dst: spec.dst, ...(until && { until }) })) {
      if (found.length >= count) break;
      found.push({ at });
    }
    return found;
  },
});

/** Books every instant after the mark that is due, once each; the new mark. A clock that stepped back finds none. */
async function bookDue(spec: CronSpec, context: TriggerContext, mark: Date, graceMs: number): Promise<Date> {
  const { clock, timezone } = context;
  const now = clock.now();
  const span = { after: mark, until: now, dst: spec.dst };
  const latest = now > mark ? lastInstant(spec.cron, timezone, span) : undefined;
  if (latest === undefined) return mark;
  let firings: Firing[] = [];
  for (const instant of instants(spec.cron, timezone, span)) {
    firings.push(plan(spec, instant, { now, latest, graceMs, timezone }));
    if (firings.length < MOST_IN_A_BOOKING) continue;
    await context.book(firings, { instant });
    context.signal.throwIfAborted();
    firings = [];
  }
  if (firings.length > 0) await context.book(firings, { instant: latest });
  return latest;
}

async function untilNext(spec: CronSpec, { clock, timezone, signal }: TriggerContext, mark: Date): Promise<void> {
  const [next] = instants(spec.cron, timezone, { after: mark, dst: spec.dst });
  try {
    if (next) await clock.sleepUntil(next, signal);
    else await aborted(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

function warnIfAhead(mark: Date, { clock, log, trigger }: TriggerContext): void {
  if (mark.getTime() - clock.now().getTime() < FAR_AHEAD_MS) return;
  log(
    "warn",
    `${trigger} is booked up to ${mark.toISOString()}, which is ahead of this machine's clock: it fires after that`,
  );
}
