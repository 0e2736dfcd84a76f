const longest = 8_192;

/** Cuts what arrives into lines, as UTF-8, without the telnet signals that clients send before ABOR (RFC 959, 4.1.3). */
export function lineReader(on: { readonly line: (line: string) => void; readonly tooLong: () => void }) {
  let pending = Buffer.alloc(0);
  return {
    isEmpty: () => pending.length === 0,
    receive(chunk: Buffer): void {
      pending = Buffer.concat([pending, chunk]);
      for (let end = pending.indexOf(0x0a); end >= 0; end = pending.indexOf(0x0a)) {
        const line = pending.subarray(0, end);
        pending = pending.subarray(end + 1);
        on.line(withoutTelnet(line).toString("utf8").replace(/\r$/, ""));
      }
      if (pending.length > longest) on.tooLong();
    },
  };
}

/** UTF-8 has no bytes from 0xf2 to 0xff with a meaning of their own at the start of a line. */
function withoutTelnet(line: Buffer): Buffer {
  const first = line.findIndex((byte) => byte !== 0xff && byte !== 0xf4 && byte !== 0xf2);
  return first <= 0 ? line : line.subarray(first);
}
