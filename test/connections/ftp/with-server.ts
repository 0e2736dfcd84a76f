import { type FtpScript, type ScriptedFtp, scriptedFtp } from "../../support/scripted-ftp.js";

/** A scripted server for the time of `use`. */
export async function withServer<T>(script: FtpScript, use: (server: ScriptedFtp) => Promise<T>): Promise<T> {
  const server = await scriptedFtp(script);
  try {
    return await use(server);
  } finally {
    await server.close();
  }
}
