import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startProftpd } from "../../support/servers/proftpd.js";
import { startPureFtpd } from "../../support/servers/pure-ftpd.js";
import { requireServer } from "../../support/servers/require-server.js";
import { startVsftpd } from "../../support/servers/vsftpd.js";
import { source } from "../session-contract/material.js";
import { codeOf } from "../session-contract/workshop.js";
import { opening, plain } from "./opening.js";
import { withServer } from "./with-server.js";

const servers = { vsftpd: startVsftpd, proftpd: startProftpd, "pure-ftpd": startPureFtpd };

for (const [name, start] of Object.entries(servers)) {
  if (!requireServer(name)) continue;

  test(`${name}: a folder that can be entered and not read is refused, never empty`, async () => {
    const server = await start();
    mkdirSync(join(server.root, "blind"));
    writeFileSync(join(server.root, "blind", "file"), "x");
    chownSync(join(server.root, "blind"), 0, 0);
    chmodSync(join(server.root, "blind"), 0o711);
    const remote = await opening(server, plain).open();
    const listed = await codeOf(remote.list("blind"));
    await remote.close();
    await server.stop();
    expect(listed).toMatch(/^FERRY_(REMOTE|SERVER)_REFUSED$/);
  });
}

test("where nothing can be seen, a rename that could overwrite is refused; one that may is done", async () => {
  const no = "550 Permission denied";
  await withServer({ SIZE: no, LIST: no, FEAT: "502 no" }, async (server) => {
    const remote = await opening(server, plain).open();
    await remote.upload(source(Buffer.from("x")), ".f.part");
    expect(await codeOf(remote.rename(".f.part", "f"))).toBe("FERRY_REMOTE_REFUSED");
    await remote.rename(".f.part", "f", { replace: true });
    expect([server.files.get("/f")?.toString(), await codeOf(remote.size("f"))]).toEqual(["x", "FERRY_REMOTE_REFUSED"]);
    await remote.close();
  });
});

if (requireServer("vsftpd")) {
  test("vsftpd: a drop box without downloads and listings still tells what would be overwritten", async () => {
    const server = await startVsftpd({ downloadEnable: false, extra: "dirlist_enable=NO" });
    const remote = await opening(server, plain).open();
    const codes: string[] = [];
    for (let turn = 0; turn < 2; turn++) {
      await remote.upload(source(Buffer.from("x")), ".f.part");
      codes.push(await codeOf(remote.rename(".f.part", "f")));
    }
    await remote.close();
    await server.stop();
    expect(codes).toEqual(["no failure", "FERRY_TARGET_EXISTS"]);
  });
}
