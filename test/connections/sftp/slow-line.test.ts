import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startRelay } from "../../support/relay.js";
import { type Openssh, startOpenssh } from "../../support/servers/openssh.js";
import { requireServer } from "../../support/servers/require-server.js";
import { bufferSink, contents, sha256, source } from "../session-contract/material.js";
import { codeOf } from "../session-contract/workshop.js";
import { open } from "./scripted.js";

describe.skipIf(!requireServer("openssh"))("on a line that", () => {
  let server: Openssh;
  beforeAll(async () => {
    server = await startOpenssh();
  });
  afterAll(() => server.stop());
  /** 100 KB a second. */
  const slowly = { pieces: 4096, tap: async (bytes: Buffer) => void (await pause(bytes.length / 100)) };
  const through = (port: number) => ({ ...server, port });

  test("is slow, but moves, nothing is a stall", async () => {
    const relay = await startRelay({ port: server.port }, { interfere: { up: slowly, down: slowly } });
    const bytes = contents(450_000);
    const { session } = await open(through(relay.port), {
      keys: { directory: server.root, timeout: { stall: "2500ms" } },
    });
    await session.upload(source(bytes), "slow");
    const sink = bufferSink();
    await session.download("slow", sink);
    expect(sha256(sink.bytes())).toBe(sha256(bytes));
    await session.close();
    await relay.close();
  });

  test.each([
    ["up", "FERRY_STALLED"],
    ["down", "FERRY_STALLED"],
  ] as const)("goes dead %s in the middle, the stall is found", async (direction, code) => {
    const relay = await startRelay({ port: server.port });
    const { session } = await open(through(relay.port), {
      keys: { directory: server.root, timeout: { stall: "300ms" } },
    });
    await session.upload(source(contents(24_000_000)), "file");
    const onBytes = (): void => relay.connections[0]?.stall();
    const transfer =
      direction === "up"
        ? session.upload(source(contents(9_000_000)), "other", { onBytes })
        : session.download("file", bufferSink(), { onBytes });
    expect([await codeOf(transfer), session.alive]).toEqual([code, false]);
    await relay.close();
  });

  test.each([0, 1, 40, 1100, 1800])(
    "breaks after %i bytes of the opening, the opening fails in the catalogue's words",
    async (after) => {
      for (const ending of ["fin", "rst"] as const) {
        const relay = await startRelay({ port: server.port }, { interfere: { down: { after, ending } } });
        expect(await codeOf(open(through(relay.port)))).toMatch(/^FERRY_(SSH|CONNECTION_LOST)$/);
        await relay.close();
      }
    },
  );

  // Not smaller: ssh2 loses a part of the greeting when it comes in three pieces or more.
  test("is cut into small pieces, everything still arrives", async () => {
    const relay = await startRelay({ port: server.port }, { interfere: { up: { pieces: 64 }, down: { pieces: 64 } } });
    const bytes = contents(50_000);
    const { session } = await open(through(relay.port), { keys: { directory: server.root } });
    await session.upload(source(bytes), "pieces");
    const sink = bufferSink();
    await session.download("pieces", sink);
    expect(sha256(sink.bytes())).toBe(sha256(bytes));
    await session.close();
    await relay.close();
  });
});
