import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import ssh2 from "ssh2";
import SftpClient from "ssh2-sftp-client";
import { expect, test } from "vitest";
import {
  algorithmNames,
  clientOf,
  extensionsOf,
  isStrictKeyExchange,
  requestSizes,
} from "../../../src/connections/sftp/library.js";
import { serve } from "./scripted.js";

test("the versions whose inside we know are the ones that are installed", () => {
  const version = (name: string): string =>
    JSON.parse(readFileSync(createRequire(import.meta.url).resolve(`${name}/package.json`), "utf8")).version;
  expect([version("ssh2"), version("ssh2-sftp-client")]).toEqual(["1.17.0", "12.1.1"]);
});

test("the facts that ssh2 does not tell are where we look for them", async () => {
  const server = await serve({ posixRename: true });
  const library = new SftpClient("test", {});
  const sftp = await library.connect({
    host: server.host,
    port: server.port,
    username: server.user,
    password: server.password,
  });
  expect([
    clientOf(library) instanceof ssh2.Client,
    extensionsOf(sftp),
    requestSizes(sftp),
    isStrictKeyExchange(clientOf(library)),
  ]).toEqual([true, ["posix-rename@openssh.com", "fsync@openssh.com"], { read: 31_952, write: 31_952 }, true]);
  await library.end();
});

test("the names of algorithms are lists", () => {
  const { SUPPORTED_KEX, SUPPORTED_SERVER_HOST_KEY, SUPPORTED_CIPHER, SUPPORTED_MAC, SUPPORTED_COMPRESSION } =
    algorithmNames;
  const lists = [SUPPORTED_KEX, SUPPORTED_SERVER_HOST_KEY, SUPPORTED_CIPHER, SUPPORTED_MAC, SUPPORTED_COMPRESSION];
  expect(lists.map((list) => list.length > 2 && list.every((name) => typeof name === "string"))).toEqual([
    true,
    true,
    true,
    true,
    true,
  ]);
});
