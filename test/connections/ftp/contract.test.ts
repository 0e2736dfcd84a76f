import type { RunningServer } from "../../support/servers/process.js";
import { startProftpd } from "../../support/servers/proftpd.js";
import { startPureFtpd } from "../../support/servers/pure-ftpd.js";
import { requireServer } from "../../support/servers/require-server.js";
import { startVsftpd } from "../../support/servers/vsftpd.js";
import { type ContractOptions, type ContractServer, sessionContract } from "../session-contract.js";
import { opening, plain } from "./opening.js";

type Start = () => Promise<RunningServer>;

function contract(name: string, start: Start, written: object, options: ContractOptions): void {
  sessionContract(
    name,
    async (): Promise<ContractServer> => {
      const server = await start();
      return { root: server.root, stop: server.stop, open: (signal) => opening(server, written).open(signal) };
    },
    options,
  );
}

const tls = (versions: string[], mode = "explicit"): object => ({ encryption: { mode, versions } });
const both = ["TLSv1.2", "TLSv1.3"];

if (requireServer("vsftpd")) {
  const options: ContractOptions = { sizeBy: ["size"], hasModifiedAt: false };
  contract("vsftpd, plain", () => startVsftpd(), plain, options);
  contract("vsftpd, explicit TLS 1.3", () => startVsftpd({ tls: "explicit" }), tls(both), options);
  contract("vsftpd, explicit TLS 1.2", () => startVsftpd({ tls: "explicit" }), tls(["TLSv1.2"]), options);
  contract("vsftpd, implicit TLS", () => startVsftpd({ tls: "implicit" }), tls(both, "implicit"), options);
}

if (requireServer("proftpd")) {
  const options: ContractOptions = { sizeBy: ["size"], hasModifiedAt: true };
  contract("proftpd, TLS 1.3", () => startProftpd({ tls: "explicit" }), tls(["TLSv1.3"]), options);
}

if (requireServer("pure-ftpd")) {
  contract("pure-ftpd, TLS", () => startPureFtpd({ tls: 2 }), tls(both), { sizeBy: ["size"] });
}
