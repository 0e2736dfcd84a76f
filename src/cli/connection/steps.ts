import type { AgentError } from "../../base/errors.js";
import type { OpenStep, OpenStepName } from "../../connections/driver.js";
import type { ConnectionDefinition } from "../../connections/registry.js";

/** A step of `connection test`. */
export interface StepRecord {
  readonly name: OpenStepName;
  readonly ok: boolean;
  /** Not reached, because one before it failed. */
  readonly skipped: boolean;
  readonly durationMs: number | null;
  readonly detail: string | null;
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly cause: string | null;
    readonly hint: string;
  } | null;
}

/** The steps in the order in which this definition goes through them. */
export function expectedSteps(definition: ConnectionDefinition): readonly OpenStepName[] {
  if (definition.protocol === "local") return ["directory", "list"];
  if (definition.protocol === "sftp") return ["connect", "host-key", "login", "directory", "list"];
  const { protocol, mode } = definition.encryption;
  const end = ["features", "directory", "list"] as const;
  if (protocol === "none") return ["connect", "greeting", "login", ...end];
  if (mode === "implicit") return ["connect", "tls", "greeting", "protection", "login", ...end];
  return ["connect", "greeting", "tls", "protection", "login", ...end];
}

/** What was done, what failed at `failure`, and what was not reached. */
export function stepRecords(
  expected: readonly OpenStepName[],
  done: readonly OpenStep[],
  failure: AgentError | undefined,
  failedAfterMs: number,
): StepRecord[] {
  const reached = new Set(done.map((step) => step.name));
  const ok = lastOfEach(done).map(
    (step): StepRecord => ({
      name: step.name,
      ok: true,
      skipped: false,
      durationMs: Math.round(step.durationMs),
      detail: step.detail === "" ? null : step.detail,
      error: null,
    }),
  );
  if (failure === undefined) return ok;
  const left = expected.filter((name) => !reached.has(name));
  if (done.length === 0 && left[0] === "connect" && !NETWORK.has(failure.code)) return left.map(skipped);
  const failed = failedStep(left, failure);
  const error = { code: failure.code, message: failure.message, cause: failure.causeText ?? null, hint: failure.hint };
  const broken: StepRecord = {
    name: failed,
    ok: false,
    skipped: false,
    durationMs: Math.round(failedAfterMs),
    detail: null,
    error,
  };
  const unreached = left.filter((name) => name !== failed).map(skipped);
  return [...ok, broken, ...unreached];
}

/** A server whose host key is refused is connected to once for each of its keys: one step to a person. */
function lastOfEach(done: readonly OpenStep[]): OpenStep[] {
  return [...new Map(done.map((step) => [step.name, step])).values()];
}

function skipped(name: OpenStepName): StepRecord {
  return { name, ok: false, skipped: true, durationMs: null, detail: null, error: null };
}

/** What can go wrong with connecting itself. Anything else before it is of this side: a secret or a file that is missing. */
const NETWORK = new Set([
  ...["FERRY_ADDRESS_UNKNOWN", "FERRY_CONNECT_REFUSED", "FERRY_CONNECT_TIMEOUT", "FERRY_CONNECTION_LOST"],
  ...["FERRY_REPLY_TIMEOUT", "FERRY_PROTOCOL", "FERRY_SSH", "FERRY_SSH_ALGORITHMS"],
]);

const DATA = new Set(["FERRY_DATA_CHANNEL_BLOCKED", "FERRY_DATA_ADDRESS_REFUSED", "FERRY_SESSION_RESUMPTION"]);

/** The first that was not done; of a listing, the data connection that it could not get. */
function failedStep(left: readonly OpenStepName[], failure: AgentError): OpenStepName {
  const [first = "list"] = left;
  return first === "list" && DATA.has(failure.code) ? "data" : first;
}
