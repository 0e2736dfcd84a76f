import { afterAll, describe, expect, test } from "vitest";
import { canMount, smallDisk } from "../../support/servers/disk.js";
import { type Openssh, startOpenssh } from "../../support/servers/openssh.js";
import { requireServer } from "../../support/servers/require-server.js";
import { contents, source } from "../session-contract/material.js";
import { codeOf } from "../session-contract/workshop.js";
import { open } from "./scripted.js";

let server: Openssh | undefined;
afterAll(() => server?.stop());

describe.skipIf(!requireServer("openssh") || !canMount())("a server whose disk is full", () => {
  test.each([2_200_000, 3_000_000, 8_000_000])(
    "fails an upload of %i bytes to 2 MiB, and the session goes on",
    async (size) => {
      server ??= await startOpenssh();
      const disk = smallDisk("2m");
      if (!disk) throw new Error("there was a disk a moment ago");
      try {
        const { session } = await open(server, { keys: { directory: disk.path } });
        const code = await codeOf(session.upload(source(contents(size)), "file"));
        await session.remove("file");
        const after = await session.upload(source(contents(1_000_000)), "smaller");
        await session.close();
        expect([code, after.bytes]).toEqual(["FERRY_SERVER_DISK_FULL", 1_000_000]);
      } finally {
        disk.remove();
      }
    },
  );
});
