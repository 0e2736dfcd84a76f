import ssh2, {
  type AnyAuthMethod,
  type AuthenticationType,
  type AuthHandlerMiddleware,
  type Client,
  type ParsedKey,
  type Prompt,
} from "ssh2";
import { AgentError } from "../../base/errors.js";
import { visible } from "../../base/names.js";
import type { Secret } from "../../base/secret.js";
import type { Transcript } from "../../base/transcript.js";
import type { ConnectionSecrets } from "../driver.js";
import type { SftpDefinition } from "./schema.js";

export interface Credentials {
  readonly username: string;
  readonly password: Secret | undefined;
  readonly key: ParsedKey | undefined;
  /** The socket of an SSH agent. */
  readonly agent: string | undefined;
}

/** Reads the key before anybody connects: what is wrong with it is no matter for the server. */
export function credentialsOf(definition: SftpDefinition, secrets: ConnectionSecrets): Credentials {
  if (definition.privateKey !== undefined && !secrets.privateKey) {
    throw new AgentError("FERRY_DEFINITION", `the private key ${definition.privateKey} cannot be read`, {
      hint: "check `privateKey`: a file, or a name in the key store",
    });
  }
  const key = secrets.privateKey && parsed(secrets.privateKey, secrets.passphrase);
  return { username: definition.username, password: secrets.password, key, agent: agentSocket(definition.agent) };
}

/**
 * Offers one credential after the other: the key, the agent, then the password, once. A password that was refused is
 * not sent again by keyboard-interactive, because partners count.
 */
export function authHandler(
  { username, password, key, agent }: Credentials,
  transcript: Transcript,
): AuthHandlerMiddleware {
  const tried = new Set<AuthenticationType>();
  return (left, partial, next) => {
    if (partial) transcript.received("AUTH accepted, and more is asked for", "ssh");
    else if (tried.size > 0)
      transcript.received(`AUTH refused${left?.length ? `, left: ${visible(left.join(", "))}` : ""}`, "ssh");
    // Nothing is known of the server's wishes yet: ask with the method `none`, as OpenSSH does.
    const may = (method: AuthenticationType): boolean =>
      !tried.has(method) && (left === null || left === undefined || left.includes(method));
    const go = (line: string, method: AuthenticationType, how: AnyAuthMethod | "keyboard-interactive"): void => {
      tried.add(method);
      transcript.sent(line, "ssh");
      next(how);
    };
    if (!tried.has("none")) return go(`AUTH none as ${username}`, "none", { type: "none", username });
    if (key && may("publickey"))
      return go(`AUTH publickey ${key.type} as ${username}`, "publickey", { type: "publickey", username, key });
    if (agent && !tried.has("agent") && left?.includes("publickey"))
      return go(`AUTH publickey by the agent as ${username}`, "agent", { type: "agent", username, agent });
    if (password && !tried.has("keyboard-interactive") && may("password")) {
      return go(`AUTH password ******** as ${username}`, "password", {
        type: "password",
        username,
        password: password.reveal(),
      });
    }
    if (password && !tried.has("password") && may("keyboard-interactive")) {
      return go(`AUTH keyboard-interactive as ${username}`, "keyboard-interactive", "keyboard-interactive");
    }
    // `false` ends the login; the types do not know it.
    next(false as never);
  };
}

/** Answers one hidden question with the password. Nobody is there to answer another one. */
export function answerQuestions(
  client: Client,
  password: Secret | undefined,
  transcript: Transcript,
  giveUp: (reason: AgentError) => void,
): void {
  let answered = false;
  client.on("keyboard-interactive", (_name, _instructions, _language, prompts: Prompt[], finish) => {
    for (const { prompt } of prompts) transcript.received(`QUESTION ${visible(prompt)}`, "ssh");
    const [first, ...others] = prompts;
    if (!first) return finish([]);
    if (password && !answered && others.length === 0 && first.echo !== true) {
      answered = true;
      transcript.sent("ANSWER ********", "ssh");
      return finish([password.reveal()]);
    }
    giveUp(
      new AgentError(
        "FERRY_LOGIN_REFUSED",
        `the server asks "${visible(first.prompt.trim())}", which nobody is there to answer`,
        { hint: "ask the server's owner for an account without a second question, or use a key" },
      ),
    );
  });
  client.on("change password", (prompt: string) => {
    giveUp(
      new AgentError("FERRY_LOGIN_REFUSED", "the server wants the password to be changed", {
        cause: new Error(prompt),
        hint: "change it with the server's owner, then `ferry secret set`",
      }),
    );
  });
}

function parsed(text: Secret, passphrase: Secret | undefined): ParsedKey {
  const found = ssh2.utils.parseKey(text.reveal(), passphrase?.reveal());
  // An array for OpenSSH's format, which holds one key.
  const key: ParsedKey | Error | undefined = Array.isArray(found) ? found[0] : found;
  if (key && !(key instanceof Error) && key.isPrivateKey()) return key;
  const reason = key instanceof Error ? key : new Error("it is a public key");
  const locked = /encrypted|passphrase|integrity|decrypt/i.test(reason.message);
  const hint = locked ? "check `passphrase`" : "a private key in OpenSSH's, PEM or PuTTY's format is needed";
  throw new AgentError("FERRY_DEFINITION", "the private key cannot be used", { cause: reason, hint });
}

function agentSocket(agent: boolean | string): string | undefined {
  if (typeof agent === "string") return agent;
  if (!agent) return undefined;
  const socket = process.env.SSH_AUTH_SOCK;
  if (socket) return socket;
  throw new AgentError("FERRY_DEFINITION", "`agent: true`, and SSH_AUTH_SOCK is not set", {
    hint: "start ssh-agent, or give the path of its socket",
  });
}
