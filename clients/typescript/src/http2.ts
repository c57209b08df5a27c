import * as http2 from "node:http2";
import * as net from "node:net";
import * as tls from "node:tls";
import type { GrpcTransportOptions } from "@connectrpc/connect-node";

/** How often a connection is probed, also without calls, so that a dead one is noticed. */
const KEEPALIVE_INTERVAL_MS = 30_000;
/** How long the answer to a probe may take. */
const KEEPALIVE_TIMEOUT_MS = 10_000;
/** How long one attempt to connect may take. Our choice. */
const CONNECT_TIMEOUT_MS = 5_000;

/** Bytes that a stream may send ahead of its reader. Our choice. */
const STREAM_WINDOW_BYTES = 128 * 1024;
/**
 * Megabytes that Node.js keeps for a connection: enough for the 128 streams that hatd allows on it,
 * none of them read.
 */
const SESSION_MEMORY_MB = 64;

/** How TLS is done. */
export interface TlsOptions {
  /** The certificates to trust, in PEM. Default: those that Node.js trusts. */
  readonly ca?: string | undefined;
  /** The certificate of this client, in PEM, and those that lead to a trusted one. */
  readonly cert?: string | undefined;
  /** The private key of `cert`, in PEM. */
  readonly key?: string | undefined;
}

/**
 * The HTTP/2 connection to a server: made by the first call, and made anew by the next one when it
 * has broken or is being closed.
 *
 * Connect's own manager of sessions ends the process if a connection breaks that is probed without
 * calls: its next probe throws, in a timer.
 */
export class Http2Connection implements NonNullable<GrpcTransportOptions["sessionManager"]> {
  readonly authority: string;
  readonly #tls: TlsOptions | undefined;
  /** The session for the next call, connected or about to be. */
  #current: Promise<http2.ClientHttp2Session> | undefined;
  /** All sessions that are not closed, with the number of their streams. */
  readonly #streams = new Map<http2.ClientHttp2Session, number>();

  constructor(baseUrl: string, tls: TlsOptions | undefined) {
    this.authority = new URL(baseUrl).origin;
    this.#tls = tls;
  }

  async request(
    method: string,
    path: string,
    headers: http2.OutgoingHttpHeaders,
    options: http2.ClientSessionRequestOptions,
  ): Promise<http2.ClientHttp2Stream> {
    for (;;) {
      const current = (this.#current ??= this.#connect());
      const session = await current;
      if (!session.closed && !session.destroyed) {
        const request = { ...headers, ":method": method, ":path": path };
        const stream = session.request(request, options);
        this.#hold(session);
        stream.once("close", () => {
          this.#release(session);
        });
        return stream;
      }
      this.#forget(current);
    }
  }

  /** Probes go by the clock: that bytes came does not matter to them. */
  notifyResponseByteRead(): void {
    // Nothing is to be done.
  }

  /** Has the next call make another connection. What goes on over this one goes on. */
  renew(): void {
    const current = this.#current;
    this.#current = undefined;
    // One that is not connected yet fails by itself.
    void current?.then((session) => {
      session.close();
      this.#closeIfDone(session);
    }, ignore);
  }

  /** Breaks the connection, and with it all streams. */
  abort(): void {
    this.#current = undefined;
    for (const session of this.#streams.keys()) {
      session.destroy();
    }
  }

  #connect(): Promise<http2.ClientHttp2Session> {
    const session = http2.connect(this.authority, {
      createConnection: (authority) => openSocket(authority, this.#tls),
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES },
      maxSessionMemory: SESSION_MEMORY_MB,
    });
    this.#streams.set(session, 0);
    const current = new Promise<http2.ClientHttp2Session>((resolve, reject) => {
      session.on("error", reject);
      session.once("close", () => {
        reject(new Error("the connection was closed"));
      });
      session.once("connect", () => {
        // Only streams keep the process: see `#hold`.
        session.unref();
        resolve(session);
      });
    });
    const probe = setInterval(() => {
      ping(session);
    }, KEEPALIVE_INTERVAL_MS).unref();
    session.once("close", () => {
      clearInterval(probe);
      this.#streams.delete(session);
      this.#forget(current);
    });
    session.once("goaway", () => {
      // Its streams go on; the next call has another session.
      this.#forget(current);
      this.#closeIfDone(session);
    });
    return current;
  }

  #forget(session: Promise<http2.ClientHttp2Session>): void {
    if (this.#current === session) {
      this.#current = undefined;
    }
  }

  #hold(session: http2.ClientHttp2Session): void {
    const streams = this.#streams.get(session) ?? 0;
    this.#streams.set(session, streams + 1);
    session.ref();
  }

  #release(session: http2.ClientHttp2Session): void {
    const streams = this.#streams.get(session);
    if (streams !== undefined) {
      this.#streams.set(session, streams - 1);
      this.#closeIfDone(session);
    }
  }

  #closeIfDone(session: http2.ClientHttp2Session): void {
    if (this.#streams.get(session) === 0) {
      session.unref();
      if (session.closed) {
        session.destroy();
      }
    }
  }
}

/** Probes a connection. One that does not answer is broken. */
function ping(session: http2.ClientHttp2Session): void {
  const timer = setTimeout(() => {
    session.destroy(timedOut(`no answer to a PING within ${seconds(KEEPALIVE_TIMEOUT_MS)}`));
  }, KEEPALIVE_TIMEOUT_MS).unref();
  session.ping(() => {
    clearTimeout(timer);
  });
}

/** Opens the socket of a connection. An attempt that takes too long fails. */
function openSocket({ hostname, port, protocol }: URL, options: TlsOptions = {}): net.Socket {
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  let socket: net.Socket;
  let connected: "connect" | "secureConnect";
  if (protocol === "https:") {
    connected = "secureConnect";
    socket = tls.connect({
      ...options,
      host,
      port: Number(port || 443),
      ALPNProtocols: ["h2"],
      // An address is no server name (RFC 6066, section 3).
      ...(net.isIP(host) === 0 && { servername: host }),
    });
  } else {
    connected = "connect";
    socket = net.connect({ host, port: Number(port || 80) });
  }
  const timer = setTimeout(() => {
    socket.destroy(timedOut(`no connection within ${seconds(CONNECT_TIMEOUT_MS)}`));
  }, CONNECT_TIMEOUT_MS);
  const stop = () => {
    clearTimeout(timer);
  };
  return socket.once(connected, stop).once("close", stop);
}

function ignore(): void {
  // Whoever waits for it handles it.
}

function timedOut(message: string): Error {
  return Object.assign(new Error(message), { code: "ETIMEDOUT" });
}

function seconds(ms: number): string {
  return `${String(ms / 1000)} s`;
}
