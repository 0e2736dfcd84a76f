import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sftpDriver } from "../../../src/connections/sftp/driver.js";
import { startSftp } from "../../../src/demo/servers/sftp.js";
import { ed25519Pair } from "../../support/ssh-keys.js";
import { openContext } from "../open-context.js";
import { sessionContract } from "../session-contract.js";

// A server that is not OpenSSH: small requests, and a RENAME of its own.
sessionContract(
  "sftp to the demonstration server",
  async () => {
    const root = await mkdtemp(join(tmpdir(), "ferry-sftp-"));
    const hostKey = ed25519Pair().private;
    const server = await startSftp({ root, user: "anna", password: "pear tree", hostKey });
    const definition = sftpDriver.schema.parse({
      protocol: "sftp",
      address: "127.0.0.1",
      port: server.port,
      username: "anna",
    });
    return {
      root,
      open: (signal) =>
        sftpDriver.open(definition, openContext({ secrets: { password: "pear tree" }, ...(signal && { signal }) })),
      async stop() {
        await server.close();
        await rm(root, { recursive: true });
      },
    };
  },
  { canRefuse: process.getuid?.() !== 0, hasModifiedAt: true, sizeBy: ["size"] },
);
