import { InvalidTarget } from "./errors.js";

/** What decides whether a target may be connected to. */
export interface TargetOptions {
  /** Whether plaintext may go to hosts other than this one. */
  readonly plaintext?: boolean | undefined;
  /** Whether there are options that only TLS has a use for. */
  readonly tls?: boolean;
}

/**
 * Returns the URL of a target, without a slash at its end.
 *
 * @throws {@link InvalidTarget}
 */
export function parseTarget(
  target: string,
  { plaintext = false, tls = false }: TargetOptions,
): string {
  const named = target.includes("://");
  let url: URL;
  try {
    url = new URL(named ? target : `https://${target}`);
  } catch (cause) {
    throw invalid(target, "is not the address of a server, such as http://127.0.0.1:50051", cause);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw invalid(target, "is neither http:// nor https://");
  }
  if (url.username || url.password || url.search || url.hash) {
    throw invalid(target, "has more than a host, a port and a path");
  }

  if (!named && !tls && (plaintext || isLoopback(url.hostname))) {
    // The setter of `protocol` would keep the port 443 as a default that is left out.
    url = new URL(`http://${target}`);
  }
  if (url.protocol === "http:") {
    if (tls) {
      throw invalid(target, "is plaintext, and options of TLS are given");
    }
    if (!plaintext && !isLoopback(url.hostname)) {
      throw invalid(target, "is plaintext to another host: use https://, or allow `plaintext`");
    }
  }
  return url.href.replace(/\/+$/, "");
}

/** Whether a host, as a URL spells it, is this one: localhost, 127.0.0.0/8 or [::1]. */
function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function invalid(target: string, what: string, cause?: unknown): InvalidTarget {
  const message = `${JSON.stringify(target)} ${what}`;
  return new InvalidTarget({ code: "INVALID_ARGUMENT", message, cause });
}
