import type { PeerCertificate } from "node:tls";

/** Judges what a server shows before any credential is sent to it. Refusal is an AgentError of the class `closed`. */
export interface TrustPolicy {
  /**
   * Called with the chain as the server sent it and OpenSSL's own verdict, after each full handshake.
   * Returns a word for the transcript ("verified", "pinned", "accepted by a person", "accepted unchecked").
   */
  certificate(shown: ShownCertificate): string;
  /** Called in the SSH key exchange. `key` is the public key blob; returns a word for the transcript. */
  hostKey(shown: ShownHostKey): string;
  /** Types of the host keys that are known for this server (`ssh-ed25519` …): it shall be asked for one of these first. */
  hostKeyTypes?(host: string, port: number): readonly string[];
}

export interface ShownCertificate {
  readonly host: string;
  readonly port: number;
  /** The name the certificate must carry: `certificates.serverName`, else the address. */
  readonly expectedName: string;
  readonly certificate: PeerCertificate;
  /** OpenSSL's verdict of the chain (`UNABLE_TO_VERIFY_LEAF_SIGNATURE` …), undefined when it is good. Names are judged here. */
  readonly chainError: string | undefined;
  readonly channel: "control" | "data";
}

export interface ShownHostKey {
  readonly host: string;
  readonly port: number;
  readonly key: Buffer;
}
