import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { type SecureContext, TLSSocket } from "node:tls";

/** One line, or several that are joined by CRLF as they are: `["211-Features:", " SIZE", "211 End"]`. */
export type Reply = string | readonly string[];

export interface ControlChannel {
  reply(reply: Reply): Promise<void>;
  /** Bytes on the control connection, as they are. */
  write(bytes: string | Buffer): void;
  /** FIN on the control connection. */
  close(): void;
  /** RST on the control connection. */
  reset(): void;
  /** Waits for the client's TLS handshake; what was received before and not understood is dropped. */
  startTls(): void;
  isSecure(): boolean;
}

export interface ControlOptions {
  readonly context: SecureContext | undefined;
  readonly implicit: boolean;
  /** Every byte of a reply in a packet of its own. */
  readonly bytewise: boolean;
  /** Every line, either way, is added here from the client's point of view. */
  readonly wire: string[];
  onLine(line: string): void;
}

export function controlChannel(raw: Socket, options: ControlOptions): ControlChannel {
  const { context, wire } = options;
  let stream: Duplex = raw;
  raw.on("error", () => {});

  function listen(next: Duplex): void {
    stream = next;
    const decoder = new StringDecoder("utf8");
    let pending = "";
    next.on("error", () => {});
    next.on("data", (chunk: Buffer) => {
      const lines = (pending + decoder.write(chunk)).split(/\r?\n/);
      pending = lines.pop() ?? "";
      for (const line of lines) {
        wire.push(`> ${line}`);
        options.onLine(line);
      }
    });
  }

  const channel: ControlChannel = {
    async reply(reply) {
      const bytes = Buffer.from([reply, ""].flat().join("\r\n"));
      if (!options.bytewise) return channel.write(bytes);
      wire.push(...linesOf(bytes));
      for (const byte of bytes) {
        if (stream.writable) await new Promise((done) => stream.write(Buffer.of(byte), done));
        // Without this, bytes written in one turn leave in one packet.
        await new Promise(setImmediate);
      }
    },
    write(bytes) {
      wire.push(...linesOf(bytes));
      if (stream.writable) stream.write(bytes);
    },
    close: () => void stream.end(),
    reset: () => void raw.resetAndDestroy(),
    startTls() {
      if (!context) throw new Error("this server has no certificate");
      stream.removeAllListeners("data");
      listen(new TLSSocket(raw, { isServer: true, secureContext: context }));
    },
    isSecure: () => stream !== raw,
  };
  if (options.implicit) channel.startTls();
  else listen(raw);
  return channel;
}

function linesOf(bytes: string | Buffer): string[] {
  const lines = bytes.toString().split("\r\n");
  return lines.filter((line) => line !== "").map((line) => `< ${line}`);
}
