import type { SFTPWrapper } from "ssh2";

export const posixRename = "posix-rename@openssh.com";

/** The two inner parts of ssh2 1.17's channel that this file needs; its public API has no way to offer an extension. */
interface Inside {
  readonly outgoing: { readonly id: number; window: number };
  readonly _protocol: { channelData(channel: number, packet: Buffer): void };
}

/**
 * Adds the extension to the version packet, the first that the server sends: ssh2 answers extended requests but offers
 * none, and clients do not ask for what was not offered. Where ssh2 has changed inside, nothing is offered.
 */
export function offerPosixRename(channel: SFTPWrapper): void {
  const { outgoing, _protocol: protocol } = channel as unknown as Inside; // private in ssh2's types
  if (typeof protocol?.channelData !== "function" || typeof outgoing?.window !== "number") return;
  const original = protocol.channelData;
  protocol.channelData = (id, packet) => {
    if (id !== outgoing.id) return original.call(protocol, id, packet);
    protocol.channelData = original;
    const isVersion = packet.length === 9 && packet[4] === 2;
    if (!isVersion) return original.call(protocol, id, packet);
    const longer = Buffer.concat([packet, field(posixRename), field("1")]);
    longer.writeUInt32BE(longer.length - 4, 0);
    outgoing.window -= longer.length - packet.length;
    return original.call(protocol, id, longer);
  };
}

/** The two paths of a posix-rename request. */
export function renamePaths(data: Buffer): readonly [string, string] {
  const [from, rest] = take(data);
  const [to] = take(rest);
  return [from, to];
}

function field(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function take(data: Buffer): readonly [string, Buffer] {
  const end = 4 + data.readUInt32BE(0);
  if (end > data.length) throw new RangeError("the request is shorter than it says");
  return [data.toString("utf8", 4, end), data.subarray(end)];
}
