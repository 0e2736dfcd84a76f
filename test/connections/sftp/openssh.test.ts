import { sftpDriver } from "../../../src/connections/sftp/driver.js";
import { startOpenssh } from "../../support/servers/openssh.js";
import { requireServer } from "../../support/servers/require-server.js";
import { openContext } from "../open-context.js";
import { sessionContract } from "../session-contract.js";

if (requireServer("openssh")) {
  sessionContract(
    "sftp to OpenSSH",
    async () => {
      const server = await startOpenssh();
      const { host, port, user, password, root } = server;
      const definition = sftpDriver.schema.parse({
        protocol: "sftp",
        address: host,
        port,
        username: user,
        directory: root,
      });
      return {
        root,
        open: (signal) =>
          sftpDriver.open(definition, openContext({ secrets: { password }, ...(signal && { signal }) })),
        stop: () => server.stop(),
      };
    },
    { hasModifiedAt: true, sizeBy: ["size"] },
  );
}
