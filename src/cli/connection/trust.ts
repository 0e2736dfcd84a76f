import { AgentError } from "../../base/errors.js";
import type { ConnectionDefinition } from "../../connections/registry.js";
import type { ShownIdentity } from "../../connections/trust/inspect.js";
import type { AcceptedIdentity, KeptIdentity } from "../../connections/trust/store.js";
import type { WorkspacePaths } from "../../workspace/paths.js";
import type { CommandContext } from "../command.js";
import { EXIT } from "../io.js";
import { confirm } from "../prompt.js";
import { bold, dim, type Text, yellow } from "../text.js";
import { localTime } from "../when.js";
import { connectionOf, locate, readDefinitions, type WorkspaceDefinitions, withControl } from "../workspace.js";
import { isFingerprint, refuseFingerprint, sameFingerprint } from "./fingerprint.js";
import { openerFor } from "./opener.js";

/** `ferry connection trust NAME`: shows what the server has, and keeps a person's answer. */
export async function trustConnection(
  context: CommandContext,
  name: string,
  fingerprint: string | undefined,
): Promise<number> {
  const { print, io } = context;
  if (fingerprint !== undefined && !isFingerprint(fingerprint)) throw refuseFingerprint(fingerprint);
  const paths = locate(context);
  const definitions = await readDefinitions(context, paths);
  const shown = await inspect(context, paths, definitions, name, connectionOf(definitions, name), fingerprint);
  if (!print.json) print.result(shown, () => view(name, shown));
  if (fingerprint !== undefined) refuseOther(shown.identity, fingerprint);
  else if (!io.stdin.isTTY || print.json) throw needsFingerprint(name, shown.identity);
  const accepted = fingerprint !== undefined || (await confirm(context, question(shown)));
  if (accepted) await keep(context, name, shown.identity);
  if (print.json) print.result({ connection: name, accepted, identity: shown.identity }, () => []);
  else
    print.note(
      accepted ? "accepted; it holds until the server shows something else" : "not accepted, nothing was stored",
    );
  return accepted ? EXIT.done : EXIT.failed;
}

/** For `connection test` of a definition that says `ask`. True when the person accepted. */
export async function askForTrust(
  context: CommandContext,
  paths: WorkspacePaths,
  definitions: WorkspaceDefinitions,
  name: string,
): Promise<boolean> {
  const shown = await inspect(context, paths, definitions, name, connectionOf(definitions, name));
  for (const line of view(name, shown)) context.print.tell(line);
  if (!(await confirm(context, question(shown)))) return false;
  await keep(context, name, shown.identity);
  return true;
}

interface Shown {
  readonly identity: ShownIdentity;
  /** What was accepted of this server before. */
  readonly before: KeptIdentity | undefined;
}

async function inspect(
  context: CommandContext,
  paths: WorkspacePaths,
  definitions: WorkspaceDefinitions,
  name: string,
  definition: ConnectionDefinition,
  fingerprint?: string,
): Promise<Shown> {
  const [{ inspectServer }, { renderDefinition }] = await Promise.all([
    import("../../connections/trust/inspect.js"),
    import("../../connections/credentials.js"),
  ]);
  const { opener } = await openerFor(context, paths, definitions);
  const rendered = await renderDefinition(definition, opener.secrets);
  const identity = await inspectServer(rendered, {
    clock: context.io.clock,
    signal: context.io.interruption(),
    workspace: paths.root,
    ...(fingerprint !== undefined && { wanted: (shown: ShownIdentity) => sameFingerprint(shown, fingerprint) }),
  });
  return { identity, before: opener.trust.find(name, identity.host, identity.port, identity.kind) };
}

async function keep(context: CommandContext, connection: string, identity: ShownIdentity): Promise<void> {
  const { host, port, kind, fingerprint, detail } = identity;
  const accepted: AcceptedIdentity = { host, port, kind, fingerprint, detail };
  await withControl(context, "either", (control) => control.perform("trust.accept", { connection, accepted }));
}

const WORDS: Readonly<Record<string, string>> = {
  subject: "subject",
  issuer: "issuer",
  names: "names",
  validFrom: "valid from",
  validTo: "valid to",
  type: "type",
};

function view(name: string, { identity, before }: Shown): Text[] {
  const what = identity.kind === "certificate" ? "certificate" : "host key";
  const facts = Object.entries(identity.detail).filter(([key]) => key in WORDS);
  const lines: [string, Text][] = [
    ...facts.map(([key, value]): [string, Text] => [WORDS[key] ?? key, value]),
    ["fingerprint", bold(identity.fingerprint)],
  ];
  const wrong = identity.problems.map((problem, index): [string, Text] => [
    index === 0 ? "wrong" : "",
    yellow(`it ${problem}`),
  ]);
  return [
    [bold(name), ` shows this ${what} on ${identity.host}:${identity.port}:`],
    "",
    ...[...lines, ...wrong, ...history(identity, before)].map(
      ([label, value]): Text => ["  ", dim(label.padEnd(12)), " ", value],
    ),
    "",
  ];
}

function history(identity: ShownIdentity, before: KeptIdentity | undefined): [string, Text][] {
  if (before === undefined)
    return identity.kind === "certificate" && identity.problems.length === 0
      ? [["wrong", "nothing: it is trusted as it is"]]
      : [];
  const when = `by ${before.by} on ${localTime(before.at)}`;
  if (before.fingerprint === identity.fingerprint) return [["accepted", when]];
  return [["CHANGED", yellow(`before, ${before.fingerprint} was accepted ${when}`)]];
}

function question({ identity, before }: Shown): string {
  const changed = before !== undefined && before.fingerprint !== identity.fingerprint;
  return changed
    ? "It is not the one that was accepted. Did the server's owner confirm the new one?"
    : "Did you compare the fingerprint with the server's owner, and accept it?";
}

function refuseOther(identity: ShownIdentity, wanted: string): void {
  if (sameFingerprint(identity, wanted)) return;
  throw new AgentError(
    codeOf(identity),
    `${identity.host}:${identity.port} shows ${identity.fingerprint}, and --fingerprint is ${wanted}; nothing was stored`,
    {
      hint: "ask the server's owner which one is right",
    },
  );
}

function needsFingerprint(name: string, identity: ShownIdentity): AgentError {
  return new AgentError(
    codeOf(identity),
    `${identity.host}:${identity.port} shows ${identity.fingerprint}, and nobody is at a terminal to accept it`,
    {
      hint: `compare it with the server's owner, then \`ferry connection trust ${name} --fingerprint ${identity.fingerprint}\``,
    },
  );
}

function codeOf({ kind }: ShownIdentity): "FERRY_CERTIFICATE_UNTRUSTED" | "FERRY_HOST_KEY_UNKNOWN" {
  return kind === "certificate" ? "FERRY_CERTIFICATE_UNTRUSTED" : "FERRY_HOST_KEY_UNKNOWN";
}
