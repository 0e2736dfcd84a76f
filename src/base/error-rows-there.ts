import { type ErrorRow, errorRow as e } from "./error-row.js";

/** What can go wrong with a server: the network, its answers, the data channel, TLS and trust; and the vault that keeps its credentials. */
export const rowsThere = {
  // network
  FERRY_ADDRESS_UNKNOWN: e(
    "transient",
    "The server's name could not be resolved.",
    "check `address`, and the machine's DNS",
  ),
  FERRY_CONNECT_REFUSED: e(
    "transient",
    "Nobody listens on the server's port, or a firewall refuses.",
    "check `address` and `port`",
  ),
  FERRY_CONNECT_TIMEOUT: e(
    "transient",
    "No connection within `timeout.connect`.",
    "a firewall may drop it: check `address`, `port` and the route",
  ),
  FERRY_CONNECTION_LOST: e(
    "transient",
    "The connection broke.",
    "see the transcript's last lines; it is tried again by `retry`",
  ),
  FERRY_REPLY_TIMEOUT: e(
    "transient",
    "The server did not answer within `timeout.reply`.",
    "raise `timeout.reply` if this server is slow",
  ),
  FERRY_STALLED: e(
    "transient",
    "No byte moved within `timeout.stall`.",
    "raise `timeout.stall` if this server pauses so long",
  ),
  FERRY_COMPLETION_TIMEOUT: e(
    "transient",
    "The data was sent, but its confirmation did not come within `timeout.completion`.",
    "raise `timeout.completion` if this server works on files before it confirms",
  ),
  FERRY_PROTOCOL: e(
    "permanent",
    "The server said something that the protocol does not allow.",
    "see the transcript; is it the right kind of server?",
  ),
  // server's answers
  FERRY_LOGIN_REFUSED: e(
    "closed",
    "The server refused the login.",
    "check `username` and the password (`ferry secret set`); it is not tried again by itself, because partners lock accounts",
  ),
  FERRY_TOO_MANY_CONNECTIONS: e(
    "transient",
    "The server allows no further connection now.",
    "lower `threads`, or end other sessions of this account",
  ),
  FERRY_SERVER_BUSY: e("transient", "The server refused for now (4xx).", "it is tried again by `retry`"),
  FERRY_SERVER_REFUSED: e("permanent", "The server refused (5xx).", "see the server's words in the cause"),
  FERRY_SERVER_DISK_FULL: e(
    "transient",
    "The server's disk or quota is full.",
    "tell the server's owner; it is tried again by `retry`",
  ),
  FERRY_REMOTE_NOT_FOUND: e(
    "permanent",
    "No such file or folder on the server.",
    "check the path, or set `createDirectories: true`",
  ),
  FERRY_REMOTE_REFUSED: e(
    "permanent",
    "The server denied the permission.",
    "ask the server's owner for the right on this folder",
  ),
  FERRY_SIZE_MISMATCH: e(
    "transient",
    "The size on the other side is not the size that was sent.",
    "it is sent again by `retry`; the final name was never used",
  ),
  FERRY_LISTING_UNREADABLE: e(
    "permanent",
    "A line of the server's listing could not be understood.",
    "see the transcript; set `avoid: [MLSD]` or tell us the listing's style",
  ),
  FERRY_LIMIT: e(
    "permanent",
    "The server sent more than the caps allow.",
    "see the transcript; is it the right server?",
  ),
  // data channel
  FERRY_DATA_CHANNEL_BLOCKED: e(
    "transient",
    "The login works, but no data connection could be made.",
    "ask the firewall's owner to open the server's passive ports (`passivePorts`)",
  ),
  FERRY_DATA_ADDRESS_REFUSED: e(
    "closed",
    "The server announced a data address or port that the definition does not sanction.",
    "set `adjustPassiveAddress` or `passivePorts` as the server's owner says",
  ),
  FERRY_SESSION_RESUMPTION: e(
    "transient",
    "The server wants the data connection to resume the TLS session, and it did not.",
    "set `encryption.sessionResumption: true`",
  ),
  // TLS and trust
  FERRY_TLS_REFUSED: e(
    "closed",
    "The server does not offer TLS as the definition asks.",
    "check `encryption.mode` and `port`; a login is never sent in clear instead",
  ),
  FERRY_TLS_VERSION: e("closed", "No TLS version in common.", "see `encryption.versions`"),
  FERRY_TLS_CIPHER: e("closed", "No cipher suite in common.", "see `encryption.ciphers` and `autoAdjustCiphers`"),
  FERRY_TLS_HANDSHAKE: e("closed", "The TLS handshake failed.", "is this the right port for `encryption.mode`?"),
  FERRY_TLS_PROTECTION_REFUSED: e(
    "closed",
    "The server refused to protect the data channel (PROT P).",
    "set `encryption.dataChannel: false` only if the server's owner says so",
  ),
  FERRY_CERTIFICATE_UNTRUSTED: e(
    "closed",
    "The server's certificate is not trusted.",
    "compare the fingerprint with the server's owner, then `ferry connection trust NAME`",
  ),
  FERRY_CERTIFICATE_EXPIRED: e(
    "closed",
    "The server's certificate has expired or is not yet valid.",
    "tell the server's owner; check this machine's clock",
  ),
  FERRY_CERTIFICATE_NAME: e(
    "closed",
    "The server's certificate is for another name.",
    "set `address` or `certificates.serverName` to a name that it has",
  ),
  FERRY_CERTIFICATE_CHANGED: e(
    "closed",
    "The server's certificate is not the one that was accepted before.",
    "compare both fingerprints with the server's owner, then `ferry connection trust NAME`",
  ),
  FERRY_CLIENT_CERTIFICATE: e(
    "closed",
    "The server wants a client certificate, or does not accept ours.",
    "see `certificates.client`",
  ),
  FERRY_HOST_KEY_UNKNOWN: e(
    "closed",
    "The server's host key is not known.",
    "compare the fingerprint with the server's owner, then `ferry connection trust NAME`",
  ),
  FERRY_HOST_KEY_CHANGED: e(
    "closed",
    "The server's host key is not the one that was accepted before.",
    "compare both fingerprints with the server's owner, then `ferry connection trust NAME`",
  ),
  FERRY_SSH_ALGORITHMS: e("closed", "No SSH algorithm in common.", "see `algorithms`"),
  FERRY_SSH: e("transient", "The SSH connection failed.", "see the server's words in the cause"),
  FERRY_TRUST_STORE: e(
    "closed",
    "The store of accepted certificates and keys cannot be read.",
    "correct .ferry/trust.yaml, or restore it",
  ),
  // vault
  FERRY_SECRET_MISSING: e(
    "permanent",
    "A secret is named that the vault does not have.",
    "set it with `ferry secret set NAME`",
    2,
  ),
  FERRY_VAULT: e(
    "closed",
    "The vault cannot be opened.",
    "check the key file (FERRY_VAULT_KEY_FILE) and .ferry/vault.age",
    2,
  ),
} satisfies Record<string, ErrorRow>;
