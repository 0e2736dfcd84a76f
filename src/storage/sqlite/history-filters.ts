import { posix } from "node:path";
import picomatch from "picomatch";
import type { DeliveryFilter, RunFilter } from "../../runs/history.js";
import type { Parameters } from "./statements.js";

export interface Where {
  readonly sql: string;
  readonly parameters: Parameters;
}

/** When a run was, or was to be. */
const RUN_TIME = "coalesce(b.started_at, b.scheduled_at, b.queued_at)";
const DELIVERY_TIME = "coalesce(d.delivered_at, d.planned_at)";

export function runsWhere(filter: RunFilter): Where {
  return where(
    [
      [filter.job, "b.job = @job"],
      [filter.trigger, "b.trigger_kind = @trigger"],
      [filter.states, "b.state IN (SELECT value FROM json_each(@states))"],
      [filter.since, `${RUN_TIME} >= @since`],
      [filter.until, `${RUN_TIME} < @until`],
    ],
    { ...filter },
  );
}

export function deliveriesWhere(filter: DeliveryFilter): Where {
  const literal = literalOf(filter.glob);
  const exact = isLiteral(filter.glob) ? filter.glob : undefined;
  return where(
    [
      [filter.connection, "d.connection = @connection"],
      [filter.since, `${DELIVERY_TIME} >= @since`],
      [filter.states, "d.state IN (SELECT value FROM json_each(@states))"],
      [filter.sha256, "d.sha256 = @sha256"],
      [filter.run, "d.run_id = @run"],
      [exact, "(d.local_name = @exact OR d.remote_name = @exact OR d.local_path = @exact OR d.remote_path = @exact)"],
      [literal, "(instr(d.local_path, @literal) OR instr(d.remote_path, @literal))"],
    ],
    { ...filter, literal, exact },
  );
}

/** Whether a glob takes a path: by its base name, as a whole, or, when it has folders, by its end. */
export function pathMatcher(glob: string): (path: string) => boolean {
  const options = { dot: true, nonegate: true };
  const whole = picomatch(glob, options);
  const end = glob.includes("/") && !glob.startsWith("/") ? picomatch(`**/${glob}`, options) : whole;
  return (path) => path === glob || whole(path) || whole(posix.basename(path)) || end(path);
}

/** Only what the filter gives becomes a condition, so that each combination is a statement that the indexes serve. */
function where(conditions: readonly (readonly [value: unknown, sql: string])[], parameters: Parameters): Where {
  const given = conditions.filter(([value]) => value !== undefined).map(([, sql]) => sql);
  return { sql: given.length === 0 ? "" : `WHERE ${given.join(" AND ")}`, parameters };
}

function isLiteral(glob: string | undefined): boolean {
  return glob !== undefined && !/[*?[\](){}!+@\\/]/.test(glob);
}

/** The longest text that every match has in it; undefined where that cannot be told simply. */
function literalOf(glob: string | undefined): string | undefined {
  if (glob === undefined || isLiteral(glob) || /[[\](){}!+@\\]/.test(glob)) return undefined;
  // What `**/` stands for may be nothing, so only texts between slashes count.
  const texts = glob.split(/[*?/]+/).toSorted((a, b) => b.length - a.length);
  return texts[0] || undefined;
}
