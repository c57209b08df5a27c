package io.github.hatd;

import io.github.hatd.v1.WatchSelector;
import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.TlsChannelCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioSocketChannel;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * A client of hatd, for any number of threads. {@link #async} is its asynchronous face.
 *
 * <p>It has one connection, which the first call makes and later ones make anew when it breaks.
 */
public final class HatdClient extends HatdCalls implements AutoCloseable {

  /** The version of this client. */
  static final String VERSION = "0.1.0";

  private final Connection connection;
  private final AsyncHatdClient async;

  HatdClient(Connection connection, AsyncHatdClient async) {
    super(async);
    this.connection = connection;
    this.async = async;
  }

  /**
   * Returns a client of the hatd at {@code target}, with the defaults of {@link Builder}. It does
   * not wait for the server.
   *
   * @param target as for {@link #builder}
   * @return the client
   * @throws InvalidTargetException the target is no address, or plaintext to another machine
   */
  public static HatdClient connect(String target) {
    return builder(target).connect();
  }

  /**
   * Returns the settings of a client, to change and connect with.
   *
   * @param target {@code http://host:port} for plaintext, {@code https://host:port} for TLS, or
   *     {@code host:port}: plaintext for {@code localhost}, {@code 127.0.0.0/8} and {@code [::1]}
   *     unless TLS is configured, TLS for any other host
   * @return the settings
   */
  public static Builder builder(String target) {
    return new Builder(target);
  }

  /**
   * Returns the asynchronous face of this client, over the same connection.
   *
   * @return the asynchronous client
   */
  public AsyncHatdClient async() {
    return async;
  }

  /**
   * Watches hats: the state of what the options select, then every change to it. Nothing is sent
   * until the first event is asked for.
   *
   * @param options what to watch, and from where
   * @return the watch
   * @throws ClosedException if the client is closed
   */
  public Watch watch(WatchOptions options) {
    return new Watch(async.drive(options));
  }

  /**
   * Keeps the state of a scope current in memory. Does not wait for the first snapshot: {@link
   * Mirror#ready} does.
   *
   * @param selectors made by {@link Selectors}, up to 1,000; none: all that the caller may see
   * @return the mirror
   * @throws ClosedException if the client is closed
   */
  public Mirror mirror(WatchSelector... selectors) {
    return mirror(MirrorOptions.of(selectors));
  }

  /**
   * Keeps the state of a scope current in memory. Does not wait for the first snapshot: {@link
   * Mirror#ready} does.
   *
   * @param options what to mirror
   * @return the mirror
   * @throws ClosedException if the client is closed
   */
  public Mirror mirror(MirrorOptions options) {
    return new Mirror(async.driveMirror(options));
  }

  /**
   * Closes the connection. Calls, watches and mirrors that are open end with a {@link
   * ClosedException}. Waits until the threads of the client have ended, for 5 s at most each if
   * code of the caller keeps them busy, and not at all on one of them. A second call does no harm.
   */
  @Override
  public void close() {
    connection.close();
  }

  /** The settings of a client. */
  public static final class Builder {

    /** How long a read may take, retries included, unless said otherwise. */
    private static final Duration READ_TIMEOUT = Duration.ofSeconds(5);

    /**
     * How long a write may take, retries included, unless said otherwise: long enough for a server
     * that is being replaced.
     */
    private static final Duration WRITE_TIMEOUT = Duration.ofSeconds(30);

    /** How often a connection is probed, also without calls, so that a dead one is noticed. */
    private static final long KEEPALIVE_SECONDS = 30;

    /** How long the answer to a probe may take. */
    private static final long KEEPALIVE_TIMEOUT_SECONDS = 10;

    /**
     * Bytes that a stream may send ahead of its reader, so that watches nobody reads hold little.
     * Our choice. The connection's window is refilled as it is used.
     */
    private static final int STREAM_WINDOW_BYTES = 128 * 1024;

    /** Longest response, in bytes: the limit of the contract. */
    private static final int MESSAGE_BYTES_MAX = 4 * 1024 * 1024;

    private final String target;
    private ApiKey apiKey = ApiKey.NONE;
    private boolean tls;
    private String trustedPem;
    private String certificatePem;
    private String keyPem;
    private boolean plaintext;
    private Duration readTimeout = READ_TIMEOUT;
    private Duration writeTimeout = WRITE_TIMEOUT;
    private String userAgent = "hatd-java/" + VERSION;

    private Builder(String target) {
      this.target = Objects.requireNonNull(target);
    }

    /**
     * Has every call carry an API key, as a bearer credential.
     *
     * @param apiKey the key
     * @return these settings
     * @throws IllegalArgumentException the key is not one or more visible ASCII characters
     */
    public Builder apiKey(String apiKey) {
      this.apiKey = ApiKey.of(apiKey);
      return this;
    }

    /**
     * Has every call carry the API key that {@code source} gives. It is asked once, and again when
     * the server answers {@code UNAUTHENTICATED}; the call or watch is then tried once more. Where
     * it throws, the call fails with {@code UNAVAILABLE}, which is tried again.
     *
     * @param source gives the present key; may block
     * @return these settings
     */
    public Builder apiKey(Supplier<String> source) {
      this.apiKey = ApiKey.from(Objects.requireNonNull(source));
      return this;
    }

    /**
     * Encrypts the connection, and trusts the authorities that Java trusts.
     *
     * @return these settings
     */
    public Builder tls() {
      this.tls = true;
      return this;
    }

    /**
     * Encrypts the connection, and trusts these authorities instead of those that Java trusts.
     *
     * @param pem one or more certificates
     * @return these settings
     */
    public Builder trustedCertificates(String pem) {
      this.tls = true;
      this.trustedPem = Objects.requireNonNull(pem);
      return this;
    }

    /**
     * Encrypts the connection, and shows the server a certificate.
     *
     * @param certificatePem the certificate, followed by those that lead to its authority
     * @param keyPem its key, in PKCS #8
     * @return these settings
     */
    public Builder clientCertificate(String certificatePem, String keyPem) {
      this.tls = true;
      this.certificatePem = Objects.requireNonNull(certificatePem);
      this.keyPem = Objects.requireNonNull(keyPem);
      return this;
    }

    /**
     * Allows plaintext to another machine, on a network that is safe. All that is sent can be read
     * there, an API key too.
     *
     * @return these settings
     */
    public Builder plaintext() {
      this.plaintext = true;
      return this;
    }

    /**
     * Says how long a read may take, retries included.
     *
     * @param timeout 5 s if not set
     * @return these settings
     */
    public Builder readTimeout(Duration timeout) {
      this.readTimeout = Objects.requireNonNull(timeout);
      return this;
    }

    /**
     * Says how long a write may take, retries included.
     *
     * @param timeout 30 s if not set, long enough for a hatd that is being replaced
     * @return these settings
     */
    public Builder writeTimeout(Duration timeout) {
      this.writeTimeout = Objects.requireNonNull(timeout);
      return this;
    }

    /**
     * Names the program, in front of this client's own name and version.
     *
     * @param program such as {@code hat-bot/1.2}
     * @return these settings
     */
    public Builder userAgent(String program) {
      this.userAgent = program + " hatd-java/" + VERSION;
      return this;
    }

    /**
     * Returns a client with these settings. It does not wait for the server.
     *
     * @return the client
     * @throws InvalidTargetException the target is no address, or plaintext to another machine that
     *     {@link #plaintext} does not allow, or plaintext though TLS is configured
     * @throws IllegalArgumentException a certificate or key cannot be read
     */
    public HatdClient connect() {
      Target parsed = Target.parse(target, tls, plaintext);
      ChannelCredentials credentials =
          parsed.tls() ? tlsCredentials() : InsecureChannelCredentials.create();
      // Reads the credentials, so that nothing is started if they cannot be read.
      NettyChannelBuilder builder =
          NettyChannelBuilder.forTarget("dns:///" + parsed.authority(), credentials);
      Threads threads = new Threads();
      ManagedChannel channel =
          builder
              .eventLoopGroup(threads.eventLoop())
              .channelType(NioSocketChannel.class)
              .executor(threads.executor())
              .offloadExecutor(threads.executor())
              .userAgent(userAgent)
              .keepAliveTime(KEEPALIVE_SECONDS, TimeUnit.SECONDS)
              .keepAliveTimeout(KEEPALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS)
              .keepAliveWithoutCalls(true)
              .flowControlWindow(STREAM_WINDOW_BYTES)
              .maxInboundMessageSize(MESSAGE_BYTES_MAX)
              // Calls and watches are tried again here, by rules of their own.
              .disableRetry()
              .build();
      Connection connection = new Connection(channel, apiKey, threads);
      AsyncHatdCalls.Timeouts timeouts = new AsyncHatdCalls.Timeouts(readTimeout, writeTimeout);
      return new HatdClient(connection, new AsyncHatdClient(connection, timeouts));
    }

    private ChannelCredentials tlsCredentials() {
      try {
        TlsChannelCredentials.Builder credentials = TlsChannelCredentials.newBuilder();
        if (trustedPem != null) {
          credentials.trustManager(stream(trustedPem));
        }
        if (certificatePem != null) {
          credentials.keyManager(stream(certificatePem), stream(keyPem));
        }
        return credentials.build();
      } catch (IOException cause) {
        throw new IllegalArgumentException("a certificate or key cannot be read", cause);
      }
    }

    private static ByteArrayInputStream stream(String pem) {
      return new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII));
    }
  }
}
