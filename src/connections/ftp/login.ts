import { AgentError } from "../../base/errors.js";
import type { ConnectionSecrets } from "../driver.js";
import type { ControlChannel } from "./control.js";
import { type FtpReply, isRefusal } from "./replies.js";
import type { FtpDefinition } from "./schema.js";
import { loginRefusal } from "./translate.js";

export interface Credentials {
  readonly username: string;
  readonly password: string | undefined;
  readonly account: string | undefined;
}

export function credentialsOf(definition: FtpDefinition, secrets: ConnectionSecrets): Credentials {
  if (definition.anonymous) return { username: "anonymous", password: "ferry@", account: undefined };
  const account = secrets.account?.reveal() || definition.account || undefined;
  return { username: definition.username ?? "", password: secrets.password?.reveal(), account };
}

/** USER, then whatever the server asks for: PASS, ACCT, both or neither. */
export async function logIn(channel: ControlChannel, name: string, credentials: Credentials): Promise<FtpReply> {
  const { username, password, account } = credentials;
  let reply = await give(channel, `USER ${username}`, credentials);
  if (reply.code === 331) {
    if (password === undefined) {
      const hint = `set it with \`ferry secret set ${name}\``;
      throw new AgentError("FERRY_SECRET_MISSING", `the server asks for a password, and ${name} has none`, { hint });
    }
    reply = await give(channel, `PASS ${password}`, credentials);
  }
  if (reply.code !== 332) return reply;
  if (account === undefined) {
    const details = { cause: reply.message, hint: "set `account`" };
    throw new AgentError("FERRY_LOGIN_REFUSED", `${channel.options.host} asks for an account`, details);
  }
  return give(channel, `ACCT ${account}`, credentials);
}

async function give(channel: ControlChannel, command: string, credentials: Credentials): Promise<FtpReply> {
  const reply = await channel.ask(command);
  if (isRefusal(reply)) throw loginRefusal(unechoed(reply, credentials), channel.options.host, "login");
  return reply;
}

/** Some servers repeat what they were given; an error's cause must not. */
function unechoed(reply: FtpReply, { password, account }: Credentials): FtpReply {
  const secrets = [password, account].filter((value) => value !== undefined && value.length >= 4 && value !== "ferry@");
  const message = secrets.reduce<string>((text, value) => text.replaceAll(value ?? "", "********"), reply.message);
  return { ...reply, message };
}
