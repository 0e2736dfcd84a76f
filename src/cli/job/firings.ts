import type { Job } from "../../jobs/job.js";
import type { NextQuestion, TriggerDefinition, TriggerKind } from "../../scheduler/trigger.js";

/** A coming firing as `job next --json` prints it. */
export interface FiringRecord {
  readonly job: string;
  /** The trigger's kind. */
  readonly trigger: string;
  readonly at: string;
  /** The same instant in the job's zone: `2026-11-21T02:30:00+00:00[Europe/London]`. */
  readonly local: string;
  readonly skipped: string | null;
}

/** The coming firings of one job, oldest first. Triggers that do not go by the clock have none. */
export function firingsOf(
  job: Job,
  kinds: readonly TriggerKind[],
  question: Omit<NextQuestion, "timezone">,
): FiringRecord[] {
  const found = job.triggers.flatMap((trigger) => {
    const upcoming = kindOf(trigger, kinds)?.next?.(trigger.spec, { ...question, timezone: job.timezone }) ?? [];
    return upcoming.map(
      ({ at, skipped }): FiringRecord => ({
        job: job.name,
        trigger: trigger.kind,
        at: at.toISOString(),
        local: zoned(at, job.timezone),
        skipped: skipped ?? null,
      }),
    );
  });
  return found.sort(byTime);
}

export function byTime(a: FiringRecord, b: FiringRecord): number {
  return a.at < b.at ? -1 : a.at > b.at ? 1 : 0;
}

/** `cron 30 2 * * *`, `watch outbox`. */
export function identitiesOf(job: Job, kinds: readonly TriggerKind[]): string[] {
  return job.triggers.map((trigger) => kindOf(trigger, kinds)?.identity(trigger.spec) ?? trigger.kind);
}

function kindOf(trigger: TriggerDefinition, kinds: readonly TriggerKind[]): TriggerKind | undefined {
  return kinds.find((kind) => kind.type === trigger.kind);
}

/** RFC 9557: the local time, its offset, and the zone. */
function zoned(at: Date, zone: string): string {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hourCycle: "h23",
    ...{ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" },
    timeZoneName: "longOffset",
  }).formatToParts(at);
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.find((each) => each.type === type)?.value ?? "";
  const offset = part("timeZoneName").replace("GMT", "") || "+00:00";
  return `${part("year")}-${part("month")}-${part("day")}T${part("hour")}:${part("minute")}:${part("second")}${offset}[${zone}]`;
}
