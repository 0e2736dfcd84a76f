import { expect, test } from "vitest";
import { sftpStatus } from "../../support/scripted-sftp.js";
import { bufferSink, contents, source } from "../session-contract/material.js";
import { codeOf } from "../session-contract/workshop.js";
import { open, serve } from "./scripted.js";

const steady = (lines: readonly string[]): string[] =>
  lines.map((line) =>
    line
      .replace(/:\d{4,5}/, ":PORT")
      .replace(/in \d+ ms/, "in N ms")
      .replace(/SHA256:\S+/, "SHA256:FINGERPRINT,")
      .replace(/mtime=\d+/, "mtime=N"),
  );

test("a delivery is told request by request, without the password", async () => {
  const server = await serve({ posixRename: true, ssh: { ident: "Scripted" } });
  const { session, lines } = await open(server);
  await session.upload(source(contents(31_952 * 32)), "/.a.csv.7k3q.part");
  await session.rename("/.a.csv.7k3q.part", "/a.csv");
  await session.close();
  expect(steady(lines)).toEqual([
    "* connected to 127.0.0.1:PORT in N ms",
    "< SSH-2.0-Scripted",
    "* host key ssh-ed25519 SHA256:FINGERPRINT, accepted unchecked",
    "* curve25519-sha256@libssh.org ssh-ed25519 aes128-gcm@openssh.com",
    "> AUTH none as anna",
    "< AUTH refused, left: password",
    "> AUTH password ******** as anna",
    "< AUTH accepted",
    "> SUBSYSTEM sftp",
    "< OK",
    '> REALPATH "."',
    '< NAME "/"',
    '> OPEN "/.a.csv.7k3q.part" WRITE|CREAT|TRUNC',
    "< HANDLE",
    "> WRITE ×32 (1022464 bytes)",
    "< OK ×32",
    "> FSYNC",
    "< OK",
    "> FSTAT",
    "< ATTRS size=1022464 mtime=N",
    "> CLOSE",
    "< OK",
    '> LSTAT "/a.csv"',
    "< NO_SUCH_FILE No such file or directory",
    '> RENAME "/.a.csv.7k3q.part" "/a.csv"',
    "< OK",
    "> DISCONNECT",
  ]);
});

test("a download and a refusal are told", async () => {
  const server = await serve({ files: { "/a": contents(31_952 * 2) }, REMOVE: sftpStatus.PERMISSION_DENIED });
  const { session, lines } = await open(server);
  const before = lines.length;
  await session.download("/a", bufferSink());
  expect(await codeOf(session.remove("/a"))).toBe("FERRY_REMOTE_REFUSED");
  expect(steady(lines.slice(before))).toEqual([
    '> OPEN "/a" READ',
    "< HANDLE",
    "> FSTAT",
    "< ATTRS size=63904 mtime=N",
    "> READ ×3 (63904 bytes)",
    "< DATA ×2",
    "< EOF",
    "> CLOSE",
    "< OK",
    '> REMOVE "/a"',
    "< PERMISSION_DENIED Permission denied",
  ]);
});
