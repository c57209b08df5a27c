package io.github.hatd;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.regex.Pattern;

/**
 * What to connect to.
 *
 * @param authority the host and the port, an IPv6 address in brackets
 * @param tls whether the connection is encrypted
 */
record Target(String authority, boolean tls) {

  private static final Pattern LOOPBACK =
      Pattern.compile("localhost|127(\\.\\d{1,3}){3}|\\[::1]", Pattern.CASE_INSENSITIVE);

  /**
   * Reads {@code http://host:port}, {@code https://host:port}, or {@code host:port}, which is
   * plaintext for a loopback host unless TLS is configured, and TLS for any other.
   *
   * @param tlsConfigured whether anything about TLS was configured
   * @param plaintextAllowed whether plaintext may leave this machine
   */
  static Target parse(String target, boolean tlsConfigured, boolean plaintextAllowed) {
    String scheme = "";
    String authority = target;
    int colon = target.indexOf("://");
    if (colon >= 0) {
      scheme = target.substring(0, colon);
      authority = target.substring(colon + 3);
    }
    if (authority.endsWith("/")) {
      authority = authority.substring(0, authority.length() - 1);
    }

    URI uri = uri(target, authority);
    boolean loopback = LOOPBACK.matcher(uri.getHost()).matches();
    boolean tls =
        switch (scheme) {
          case "http" -> false;
          case "https" -> true;
          case "" -> tlsConfigured || !(loopback || plaintextAllowed);
          default -> throw invalid(target, "its scheme is neither http nor https", null);
        };
    if (!tls && tlsConfigured) {
      throw invalid(target, "TLS is configured, and http is plaintext", null);
    }
    if (!tls && !loopback && !plaintextAllowed) {
      throw invalid(target, "plaintext to another machine has to be allowed", null);
    }
    return new Target(authority, tls);
  }

  private static URI uri(String target, String authority) {
    URI uri;
    try {
      uri = new URI("dns", authority, null, null, null).parseServerAuthority();
    } catch (URISyntaxException cause) {
      throw invalid(target, "it is not host:port", cause);
    }
    boolean hostAndPort =
        uri.getHost() != null
            && uri.getUserInfo() == null
            && uri.getPort() > 0
            && uri.getPort() <= 0xffff;
    if (!hostAndPort) {
      throw invalid(target, "it is not host:port", null);
    }
    return uri;
  }

  private static InvalidTargetException invalid(String target, String why, Throwable cause) {
    return new InvalidTargetException(
        "\"" + target + "\" is not a target such as http://127.0.0.1:50051: " + why, cause);
  }
}
