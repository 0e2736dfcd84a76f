import { basename, dirname } from "node:path";
import type { TaskFile } from "../tasks/files.js";
import { splitName } from "../tasks/names.js";
import { offsetMs } from "./template-engine.js";

/** What templates may speak of, at one moment of a run. */
export interface TemplateFacts {
  readonly now: Date;
  readonly job: string;
  readonly run: { readonly id: number; readonly startedAt: Date; readonly error?: TemplateError | undefined };
  readonly trigger: {
    readonly kind: string;
    readonly firedAt: Date;
    readonly scheduledAt?: Date | undefined;
    readonly files?: readonly TaskFile[] | undefined;
  };
  readonly vars: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string>>;
  /** The tasks that ended, by id. */
  readonly tasks: ReadonlyMap<string, TaskOutcome>;
  /** The ids of all tasks of the job: one that did not run has no files and no output. */
  readonly taskIds?: readonly string[] | undefined;
  /** The current file, where there is one. */
  readonly file?: TaskFile | undefined;
}

export interface TemplateError {
  readonly message: string;
  readonly code: string;
  readonly hint?: string | undefined;
}

export interface TaskOutcome {
  readonly files: readonly TaskFile[];
  readonly output?: string | undefined;
  readonly status?: number | undefined;
  readonly rows?: number | undefined;
}

/** The variables as the engine reads them; what is not known yet is nil, never undefined. */
export function scopeOf(facts: TemplateFacts, timezone: string): Record<string, unknown> {
  const at = (date: Date | undefined): Date | null => (date === undefined ? null : new ZonedDate(date, timezone));
  const { run, trigger } = facts;
  const view = (file: TaskFile): object => viewOf(file, timezone);
  const nothing: TaskOutcome = { files: [] };
  const ids = new Set([...(facts.taskIds ?? []), ...facts.tasks.keys()]);
  const outcomes = [...ids].map((id) => [id, outcome(facts.tasks.get(id) ?? nothing, view)]);
  return {
    now: at(facts.now),
    job: { name: facts.job },
    run: { id: run.id, startedAt: at(run.startedAt), error: run.error === undefined ? null : errorOf(run.error) },
    trigger: {
      kind: trigger.kind,
      firedAt: at(trigger.firedAt),
      scheduledAt: at(trigger.scheduledAt),
      files: (trigger.files ?? []).map(view),
    },
    vars: facts.vars,
    env: facts.env,
    tasks: Object.fromEntries(outcomes),
    ...(facts.file === undefined ? {} : { file: view(facts.file) }),
  };
}

/** The task's own files in place of what the templates saw of them. */
export function unwrap(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrap);
  return typeof value === "object" && value !== null ? (behind.get(value) ?? value) : value;
}

const behind = new WeakMap<object, TaskFile>();

/** `file.*` of a file; as a text it is its path. */
function viewOf(file: TaskFile, timezone: string): object {
  const view = {
    name: basename(file.path),
    ...splitName(basename(file.path)),
    path: file.path,
    dir: dirname(file.path),
    size: file.identity.size,
    modified: new ZonedDate(new Date(Number(BigInt(file.identity.mtimeNs) / 1_000_000n)), timezone),
  };
  behind.set(view, file);
  return printing(view, file.path);
}

function outcome(task: TaskOutcome, view: (file: TaskFile) => object): object {
  const { output = null, status = null, rows = null } = task;
  return { files: task.files.map(view), output, status, rows };
}

function errorOf(error: TemplateError): object {
  return printing({ message: error.message, code: error.code, hint: error.hint ?? null }, error.message);
}

function printing(value: object, text: string): object {
  return Object.defineProperty(value, "toString", { value: () => text, enumerable: false });
}

/** An instant that prints itself on the clocks of a zone: `2026-11-20T02:30:00+00:00`. */
class ZonedDate extends Date {
  readonly #zone: string;
  constructor(date: Date, zone: string) {
    super(date.getTime());
    this.#zone = zone;
  }
  override toString(): string {
    const offset = offsetMs(this.getTime(), this.#zone);
    const local = new Date(this.getTime() + offset).toISOString().slice(0, 19);
    const minutes = Math.abs(offset) / 60_000;
    const two = (count: number): string => String(Math.floor(count)).padStart(2, "0");
    return `${local}${offset < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
  }
}
