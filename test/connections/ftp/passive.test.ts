import { expect, test } from "vitest";
import { choosePassive, isReserved, parseEpsv, parsePasv } from "../../../src/connections/ftp/passive.js";
import type { FtpSession } from "../../support/scripted-ftp.js";
import { bufferSink, source } from "../session-contract/material.js";
import { codeOf } from "../session-contract/workshop.js";
import { opening, plain } from "./opening.js";
import { withServer } from "./with-server.js";

test.each([
  ["227 Entering Passive Mode (203,0,113,7,208,164)", "203.0.113.7", 53412],
  ["227 Entering Passive Mode (203,0,113,7,208,164).", "203.0.113.7", 53412],
  ["227 Entering Passive Mode 203,0,113,7,208,164", "203.0.113.7", 53412],
  ["227 Entering Passive Mode (158.229.250.201:5,218)", "158.229.250.201", 1498],
  ["227 =203,0,113,7,208,164", "203.0.113.7", 53412],
  ["227 Entering Passive Mode (203,0,113,7, 208,164)", "203.0.113.7", 53412],
])("%s", (line, host, port) => {
  expect(parsePasv(line)).toEqual({ host, port });
});

test.each([
  "227 Entering Passive Mode (1216,256,2,127,127,127)",
  "227 Entering Passive Mode (1,2,3,4,256,1)",
  "227 Entering Passive Mode (1,2,3,4,0,0)",
  "227 Entering Passive Mode",
  "227 ok 1,2,3,4",
  `227 ${"1,".repeat(30_000)}`,
])("no address is read from %s", (line) => {
  const read = parsePasv(line.slice(0, 60));
  expect(read === undefined || line.includes("1,1,1,1,1,1")).toBe(true);
});

test.each([
  ["229 Entering Extended Passive Mode (|||53412|)", 53412],
  ["229 Entering Extended Passive Mode (!!!6446!)", 6446],
  ["229 Extended Passive mode OK |||1|", 1],
  ["229 Entering Extended Passive Mode (|1|132.235.1.2|6275|)", 6275],
  ["229 Entering Extended Passive Mode (|||0|)", undefined],
  ["229 Entering Extended Passive Mode (|||65536|)", undefined],
  ["229 Entering Extended Passive Mode (|||1000000|)", undefined],
  ["229 Entering Extended Passive Mode", undefined],
])("%s", (line, port) => {
  expect(parseEpsv(line)).toBe(port);
});

test("no reply keeps the patterns busy", () => {
  const started = performance.now();
  for (const part of ["s", "1,", "|", "|1", "||"]) {
    parseEpsv(`229 ${part.repeat(30_000)}`);
    parsePasv(`227 ${part.repeat(30_000)}`);
  }
  expect(performance.now() - started).toBeLessThan(500);
});

test.each([
  [true, "10.9.8.7", "control"],
  [true, "198.51.101.7", "control"],
  ["private-only", "10.9.8.7", "control"],
  ["private-only", "198.51.101.7", "198.51.101.7"],
  [false, "10.9.8.7", "10.9.8.7"],
  [false, "0.0.0.0", undefined],
  [false, "224.0.0.1", undefined],
] as const)("adjustPassiveAddress %s and the announced %s: %s", (rule, announced, expected) => {
  expect(choosePassive(rule, { host: announced, port: 4000 }, "control")?.host).toBe(expected);
});

test("private, shared, link-local and multicast addresses are reserved; others are not", () => {
  expect(["10.1.1.1", "172.31.0.1", "192.168.1.1", "100.64.0.1", "169.254.1.1", "239.1.1.1"].every(isReserved)).toBe(
    true,
  );
  expect(["8.8.8.8", "172.32.0.1", "100.128.0.1", "ftp.example"].some(isReserved)).toBe(false);
});

const elsewhere = async (_: string, session: FtpSession): Promise<string> => {
  const port = await session.data.listen();
  return `227 Entering Passive Mode (10,99,99,99,${port >> 8},${port & 255})`;
};

test("an address that is not the control connection's is never connected to by default, and the transcript tells", async () => {
  await withServer({ EPSV: "500 no", PASV: elsewhere }, async (server) => {
    const told = opening(server, plain);
    const remote = await told.open();
    await remote.upload(source(Buffer.from("x")), "f");
    await remote.upload(source(Buffer.from("x")), "g");
    expect(told.lines).toContain("* the announced address 10.99.99.99 is ignored, 127.0.0.1 is used");
    expect(server.commands.filter((line) => line === "EPSV")).toHaveLength(1);
    await remote.close();
  });
});

test("with `false` the announced address is used, so this upload cannot be made", async () => {
  await withServer({ PASV: elsewhere }, async (server) => {
    const remote = await opening(server, {
      ...plain,
      adjustPassiveAddress: false,
      timeout: { connect: "200ms" },
    }).open();
    expect([await codeOf(remote.upload(source(Buffer.from("x")), "f")), remote.alive]).toEqual([
      "FERRY_DATA_CHANNEL_BLOCKED",
      true,
    ]);
    expect(server.commands).not.toContain("EPSV");
    await remote.close();
  });
});

test("a closed data port is named, with what to ask for", async () => {
  const closed = (): string => "229 Entering Extended Passive Mode (|||1|)";
  const closedToo = (): string => "227 Entering Passive Mode (127,0,0,1,0,2)";
  await withServer({ EPSV: closed, PASV: closedToo }, async (server) => {
    const told = opening(server, { ...plain, passivePorts: "53000-54999" });
    const remote = await told.open();
    const error = await remote.upload(source(Buffer.from("x")), "f").catch((failure) => failure);
    expect([error.code, error.message.includes("127.0.0.1:2"), error.hint.includes("53000-54999")]).toEqual([
      "FERRY_DATA_CHANNEL_BLOCKED",
      true,
      true,
    ]);
    expect(told.lines).toContain("* port 1 is outside passivePorts 53000-54999");
    await remote.close();
  });
});

test("a port outside passivePorts is warned of once, and with `policy: strict` refused", async () => {
  await withServer({ files: { "/f": "content" } }, async (server) => {
    const warnings: string[] = [];
    const written = { ...plain, passivePorts: "1-2" };
    const remote = await opening(server, written, { warn: (message) => warnings.push(message) }).open();
    await remote.list(".");
    await remote.list(".");
    await remote.close();
    expect(warnings).toEqual([expect.stringMatching(/^port \d+ is outside passivePorts 1-2$/)]);
    const strict = await opening(server, written, { strict: true }).open();
    expect(await codeOf(strict.list("."))).toBe("FERRY_DATA_ADDRESS_REFUSED");
    await strict.close();
  });
});

test("EPSV whose port leads nowhere: PASV is tried, and remembered", async () => {
  await withServer(
    { EPSV: "229 Entering Extended Passive Mode (|||1|)", files: { "/f": "content" } },
    async (server) => {
      const remote = await opening(server, plain).open();
      for (let turn = 0; turn < 2; turn++) await remote.download("f", bufferSink());
      expect(server.commands.filter((line) => /^(EPSV|PASV)$/.test(line))).toEqual(["EPSV", "PASV", "PASV"]);
      await remote.close();
    },
  );
});

test("a used-up passive range is waited for", async () => {
  let refusals = 2;
  const EPSV = (_: string, session: FtpSession) =>
    refusals-- > 0 ? "425 EPSV: Address already in use" : session.usual();
  await withServer({ EPSV, files: { "/f": "content" } }, async (server) => {
    const remote = await opening(server, plain).open();
    expect((await remote.download("f", bufferSink())).bytes).toBe(7);
    await remote.close();
  });
});
