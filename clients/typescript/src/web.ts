/**
 * hatd for browsers, and wherever else there is `fetch`: gRPC-Web.
 *
 * @module
 */
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { Client, type ClientOptions } from "./client.js";
import { parseTarget } from "./target.js";
import { VERSION } from "./version.js";

export * from "./api.js";

/** How to connect. */
export interface ConnectOptions extends ClientOptions {
  /** Allows plaintext, and the API key in it, to hosts other than this one. Default: false. */
  readonly plaintext?: boolean | undefined;
  /** Names the program, in front of this package's own name and version, in `x-user-agent`. */
  readonly userAgent?: string | undefined;
}

/**
 * Returns a client of the hatd at `target`: a URL such as `https://hatd.example.org`, or
 * `host:port`, which is plaintext for this host and TLS for any other.
 *
 * Nothing is sent yet: the server may start later. A page of another origin than the target's needs
 * a hatd that allows it (`--cors-origins`).
 *
 * @throws {@link InvalidTarget}: also for plaintext to another host, unless `plaintext` allows it.
 */
export function connect(target: string | URL, options: ConnectOptions = {}): Client {
  const { plaintext, userAgent } = options;
  const transport = createGrpcWebTransport({ baseUrl: parseTarget(String(target), { plaintext }) });
  const agent = `hatd-typescript/${VERSION}`;
  // Scripts cannot set `user-agent` in every browser; `x-user-agent` is the one of gRPC-Web.
  const headers = { "x-user-agent": userAgent ? `${userAgent} ${agent}` : agent };
  return new Client({ transport, headers }, options);
}
