import { HatdError } from "./errors.js";

/** An API key, or what gives the current one. */
export type ApiKey = string | (() => string | Promise<string>);

/** The API key that calls carry. */
export class Credentials {
  readonly #source: ApiKey;
  #pending: Promise<string> | undefined;
  #key: string | undefined;

  constructor(source: ApiKey) {
    this.#source = source;
  }

  /** Returns the key. A function that gives it is called once, and again after {@link refuse}. */
  async get(): Promise<string> {
    const source = this.#source;
    if (typeof source === "string") {
      return checked(source);
    }
    this.#pending ??= Promise.resolve().then(source);
    try {
      this.#key = checked(await this.#pending);
      return this.#key;
    } catch (cause) {
      this.#pending = undefined;
      if (cause instanceof HatdError) {
        throw cause;
      }
      throw new HatdError({ code: "UNAVAILABLE", message: "there is no API key to be had", cause });
    }
  }

  /** Takes note that the server refused `key`. Returns whether another one can be asked for. */
  refuse(key: string): boolean {
    if (this.#key === key) {
      this.#pending = undefined;
      this.#key = undefined;
    }
    return typeof this.#source === "function";
  }
}

/** What a header cannot hold is refused here: a header's own error would show the key. */
function checked(key: string): string {
  if (!/^[\x21-\x7e]+$/.test(key)) {
    const message = "the API key is empty or has characters that no header can hold";
    throw new HatdError({ code: "UNAUTHENTICATED", message });
  }
  return key;
}
