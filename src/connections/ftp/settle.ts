import { AgentError } from "../../base/errors.js";
import { safeRemotePath } from "../../base/names.js";
import type { ControlChannel } from "./control.js";
import { parsePwd, resolvePath } from "./paths.js";
import { finalLine, isRefusal, verbOf } from "./replies.js";
import type { FtpDefinition } from "./schema.js";
import { createFeatures, type Features } from "./state.js";
import { meaningOf, refusal } from "./translate.js";

/** FEAT, where the server has it and may be asked. */
export async function learnFeatures(channel: ControlChannel, { avoid }: FtpDefinition): Promise<Features> {
  if (avoid.includes("FEAT")) return createFeatures(undefined, avoid);
  const reply = await channel.ask("FEAT");
  if (isRefusal(reply)) {
    if (!channel.alive) throw refusal(reply, "FEAT");
    return createFeatures(undefined, avoid);
  }
  const lines = reply.lines.slice(1, -1).map((line) => line.replace(/^211-/, "").trim());
  return createFeatures(lines, avoid);
}

/** UTF-8 names, binary type, and what the definition wants sent. */
export async function prepare(channel: ControlChannel, definition: FtpDefinition, features: Features): Promise<void> {
  if (features.has("UTF8") && !definition.avoid.includes("OPTS")) {
    const reply = await channel.ask("OPTS UTF8 ON");
    if (!channel.alive) throw refusal(reply, "OPTS");
  }
  for (const written of definition.afterLogin) {
    // In the order that they are written in.
    const command = written.replace(/^\*\s*/, "");
    const reply = await channel.ask(command);
    if (!isRefusal(reply)) continue;
    if (!written.startsWith("*") || !channel.alive) throw refusal(reply, `afterLogin: ${verbOf(command)}`);
    channel.options.transcript.note("this refusal is allowed (afterLogin)");
  }
  const type = await channel.command("TYPE I");
  if (type.code !== 200) channel.options.transcript.note(`${type.code} is taken for 200`);
}

/** Goes to the connection's directory and gives the absolute path that relative paths start at. */
export async function settle(channel: ControlChannel, { directory }: FtpDefinition): Promise<string> {
  const home = await where(channel);
  if (directory === undefined || directory === "") return home ?? unknown();
  const wanted = safeRemotePath(directory);
  const reply = await channel.ask(`CWD ${wanted}`);
  if (isRefusal(reply)) {
    const error = refusal(reply, wanted);
    const isVague = error.code === "FERRY_SERVER_REFUSED" && meaningOf(reply) === undefined;
    throw isVague
      ? new AgentError("FERRY_SERVER_REFUSED", `${wanted}: cannot be entered (\`directory\`)`, { cause: reply.message })
      : error;
  }
  if (wanted.startsWith("/")) return resolvePath(wanted, "/");
  return home === undefined ? unknown() : resolvePath(wanted, home);
}

async function where(channel: ControlChannel): Promise<string | undefined> {
  const reply = await channel.ask("PWD");
  if (!channel.alive) throw refusal(reply, "PWD");
  const folder = isRefusal(reply) ? undefined : parsePwd(finalLine(reply));
  return folder?.startsWith("/") ? resolvePath(folder, "/") : undefined;
}

function unknown(): never {
  throw new AgentError("FERRY_PROTOCOL", "the server does not tell its folder (PWD)", {
    hint: "set `directory` to an absolute path",
  });
}
