import { afterEach } from "vitest";
import type { OpenContext } from "../../../src/connections/driver.js";
import type { RemoteSession } from "../../../src/connections/session.js";
import { sftpDriver } from "../../../src/connections/sftp/driver.js";
import { type ScriptedSftp, type SftpScript, scriptedSftp } from "../../support/scripted-sftp.js";
import { keptTranscript, openContext } from "../open-context.js";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

export async function serve(script: SftpScript): Promise<ScriptedSftp> {
  const server = await scriptedSftp(script);
  closing.push(() => server.close());
  return server;
}

export interface Opened {
  readonly session: RemoteSession;
  readonly lines: readonly string[];
}

type Given = Partial<Omit<OpenContext, "secrets">> & {
  readonly secrets?: Readonly<Record<string, string>>;
  readonly keys?: object;
};

/** A session with `server`, and its transcript. `keys` are further keys of the definition. */
export async function open(
  server: { readonly host: string; readonly port: number; readonly user: string; readonly password: string },
  given: Given = {},
): Promise<Opened> {
  const { keys = {}, ...context } = given;
  const definition = sftpDriver.schema.parse({
    protocol: "sftp",
    address: server.host,
    port: server.port,
    username: server.user,
    ...keys,
  });
  const transcript = keptTranscript();
  const session = await sftpDriver.open(
    definition,
    openContext({ transcript, secrets: { password: server.password }, ...context }),
  );
  closing.push(() => session.close());
  return { session, lines: transcript.lines };
}
