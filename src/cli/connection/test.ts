import type { AgentError, ErrorCode } from "../../base/errors.js";
import type { ConnectionDefinition } from "../../connections/registry.js";
import type { SessionFacts } from "../../connections/session.js";
import type { CommandContext } from "../command.js";
import { writeDuration } from "../figures.js";
import { transcriptLine } from "../history/log.js";
import { EXIT } from "../io.js";
import { table } from "../table.js";
import { bold, dim, green, red, type Text } from "../text.js";
import { connectionOf, locate, readDefinitions } from "../workspace.js";
import { type Attempt, attempt } from "./attempt.js";
import { openerFor } from "./opener.js";
import type { StepRecord } from "./steps.js";
import { askForTrust } from "./trust.js";

interface TestDocument {
  readonly ok: boolean;
  readonly steps: readonly StepRecord[];
  readonly negotiated: Negotiated;
  readonly diagnosis: Diagnosis | null;
}

interface Diagnosis {
  readonly code: ErrorCode;
  readonly message: string;
  readonly cause: string | null;
  readonly hint: string;
  /** Keys of the definition that would help, with the value to give them. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** `ferry connection test NAME`. Needs no lock: it writes nothing, unless a person accepts what the server showed. */
export async function testConnection(context: CommandContext, name: string): Promise<number> {
  const paths = locate(context);
  const definitions = await readDefinitions(context, paths);
  const definition = connectionOf(definitions, name);
  const signal = context.io.interruption();
  const attemptNow = async () => attempt(await openerFor(context, paths, definitions), name, definition, signal);
  context.print.progress(`testing ${name} …`);
  let result = await attemptNow();
  if (result.failure && asksForTrust(definition, result.failure) && context.io.stdin.isTTY && !context.print.json) {
    if (await askForTrust(context, paths, definitions, name)) result = await attemptNow();
  }
  if (signal.aborted) return EXIT.interrupted;
  const document = documentOf(result);
  context.print.result(document, () => view(name, definition, document, context.print.width));
  if (result.failure) {
    context.print.error(result.failure);
    for (const line of lastWords(result)) context.print.note(line);
  }
  return document.ok ? EXIT.done : EXIT.failed;
}

const TRUST: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...([
    "FERRY_CERTIFICATE_UNTRUSTED",
    "FERRY_CERTIFICATE_EXPIRED",
    "FERRY_CERTIFICATE_NAME",
    "FERRY_CERTIFICATE_CHANGED",
  ] as const),
  ...(["FERRY_HOST_KEY_UNKNOWN", "FERRY_HOST_KEY_CHANGED"] as const),
]);

/** `ask` speaks of what is not known; what has changed is refused even then, as a changed key always is. */
function asksForTrust(definition: ConnectionDefinition, { code }: AgentError): boolean {
  if (!TRUST.has(code) || code.endsWith("_CHANGED")) return false;
  if (definition.protocol === "sftp") return definition.hostKey === "ask";
  return definition.protocol === "ftp" && definition.certificates.server === "ask";
}

function documentOf({ steps, facts, failure }: Attempt): TestDocument {
  return {
    ok: failure === undefined,
    steps,
    negotiated: negotiatedOf(facts),
    diagnosis: failure === undefined ? null : diagnose(failure),
  };
}

type Negotiated = ReturnType<typeof negotiatedOf>;

function negotiatedOf(facts: SessionFacts | undefined) {
  return {
    address: facts?.address ?? null,
    tls: facts?.tlsVersion ?? null,
    cipher: facts?.cipher ?? null,
    resumed: facts?.resumed ?? null,
    certificateSha256: facts?.certificateSha256 ?? null,
    hostKeySha256: facts?.hostKeySha256 ?? null,
    features: facts?.features ?? [],
  };
}

/** Settings that are sure to be right; finding out more is the doctor's work. */
const SETTINGS: Partial<Record<ErrorCode, Readonly<Record<string, unknown>>>> = {
  FERRY_SESSION_RESUMPTION: { "encryption.sessionResumption": true },
};

function diagnose({ code, message, causeText, hint }: AgentError): Diagnosis {
  return { code, message, cause: causeText ?? null, hint, settings: SETTINGS[code] ?? {} };
}

function view(
  name: string,
  definition: ConnectionDefinition,
  document: TestDocument,
  width: number | undefined,
): Text[] {
  const { negotiated } = document;
  const security = negotiated.tls === null ? [] : [`${negotiated.tls} ${negotiated.cipher ?? ""}`.trim()];
  const resumed =
    negotiated.resumed === null
      ? []
      : [negotiated.resumed ? "data channels resume the TLS session" : "data channels do not resume the TLS session"];
  const facts = [...security, ...resumed].join(", ");
  return [
    [bold(name), dim(`  ${serverOf(definition)}`)],
    "",
    ...table(
      [{ head: "" }, { head: "STEP" }, { head: "TOOK", align: "right" }, { head: "", keep: "start" }],
      document.steps.map(row),
      width,
    ),
    ...(facts === "" ? [] : ["", dim(facts)]),
    ...(document.ok ? ["", [green("the connection works")]] : []),
  ];
}

function row(step: StepRecord) {
  if (step.skipped) return [dimmed("-"), dimmed(step.name), "", dimmed("not reached")];
  const mark = step.ok ? { ...green("✓"), text: "✓" } : { ...red("✗"), text: "✗" };
  return [mark, step.name, writeDuration(step.durationMs), step.detail ?? step.error?.message ?? ""];
}

function dimmed(text: string) {
  return { ...dim(text), text };
}

function serverOf(definition: ConnectionDefinition): string {
  return definition.protocol === "local"
    ? `local ${definition.directory}`
    : `${definition.protocol} ${definition.address}:${definition.port}`;
}

const SHOWN = 12;

/** What was said last explains more than any code. */
function lastWords({ said }: Attempt): readonly Text[] {
  if (said.length === 0) return [];
  return [
    "",
    dim(said.length > SHOWN ? `the last of ${said.length} lines:` : "what was said:"),
    ...said.slice(-SHOWN).map(transcriptLine),
  ];
}
