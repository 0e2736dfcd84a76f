import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../../base/clock.js";
import type { Transcript } from "../../base/transcript.js";
import type { TrustPolicy } from "../trust/policy.js";
import { beginTls, checkVersion, describeTls, handshake, shown, type TlsSettings } from "./tls.js";

export interface DataSecurity {
  readonly tls: TlsSettings;
  readonly trust: TrustPolicy;
  /** Told whether a data connection resumed the session. */
  readonly onHandshake: (resumed: boolean) => void;
}

export interface DataOptions {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  readonly connectMs: number;
  readonly transcript: Transcript;
  /** Undefined where data connections are not encrypted. */
  readonly security: DataSecurity | undefined;
}

/** One data connection, from TCP on. Its errors are held until somebody asks: the server's own words come first. */
export interface DataConnection {
  readonly where: string;
  /** Starts the handshake, which goes on by itself. Does nothing where data is not encrypted, or when called again. */
  beginTls(): void;
  /** The stream to read or write, secured and judged. */
  ready(): Promise<Socket>;
  /** Whether it resumed the TLS session; undefined without TLS. False until the handshake is done. */
  readonly resumed: boolean | undefined;
  /** Why its certificate was not accepted, if it was not. */
  readonly distrust: unknown;
  /** Breaks off, so that the server cannot take what came so far for the whole. */
  abort(): void;
  destroy(): void;
}

/**
 * Node writes the handshake's last flight in the loop's next turn. An empty file would be ended before that, and the
 * server would see the connection closed without close_notify.
 */
async function flushed(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export function dataConnection(raw: Socket, options: DataOptions): DataConnection {
  const { host, port, security, transcript } = options;
  const where = `${host}:${port}`;
  let secure: TLSSocket | undefined;
  let secured: Promise<void> | undefined;
  let resumed: boolean | undefined;
  let distrust: unknown;
  raw.on("error", () => {});

  const begin = (tls: DataSecurity): void => {
    secure = beginTls(raw, tls.tls, tls.tls.resume ? tls.tls.ticket : undefined);
    resumed = false;
    secured = secureData(secure, tls);
    secured.catch(() => {});
    secure.on("error", () => {});
  };
  const secureData = async (socket: TLSSocket, { tls, trust, onHandshake }: DataSecurity): Promise<void> => {
    await handshake(socket, `data channel ${where}`, options.clock, options.connectMs);
    checkVersion(socket, tls, `data channel ${where}`);
    resumed = socket.isSessionReused();
    onHandshake(resumed);
    if (resumed) return transcript.note(`data channel ${where}, TLS session resumed`, "data");
    // A resumed session is bound to the control connection's certificate; any other may be with somebody else.
    const facts = shown(socket, tls, host, port, "data");
    try {
      const verdict = trust.certificate(facts);
      transcript.note(`data channel ${where}, not resumed, ${describeTls(socket, facts.certificate, verdict)}`, "data");
    } catch (error) {
      distrust = error;
      socket.destroy();
      throw error;
    }
  };
  return {
    where,
    beginTls() {
      if (security && !secured && !raw.destroyed) begin(security);
    },
    async ready() {
      this.beginTls();
      if (!security) transcript.note(`data channel ${where}`, "data");
      else if (!secured) throw new Error("the data connection was closed");
      await secured;
      if (secured) await flushed();
      return secure ?? raw;
    },
    get resumed() {
      return resumed;
    },
    get distrust() {
      return distrust;
    },
    abort() {
      // Without close_notify a strict server takes it for broken off, too; a reset under TLS crashes Node 20.
      if (secure) secure.destroy();
      else raw.resetAndDestroy();
    },
    destroy() {
      secure?.destroy();
      raw.destroy();
    },
  };
}
