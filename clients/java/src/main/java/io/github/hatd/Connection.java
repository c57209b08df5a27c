package io.github.hatd;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** The channel to a server, the threads that work for it, and all that is open on it. */
final class Connection implements AutoCloseable {

  private final ManagedChannel channel;
  private final ApiKey apiKey;
  private final Threads threads;

  /** How to close each call, watch and mirror that is open. */
  private final Set<Runnable> open = ConcurrentHashMap.newKeySet();

  private volatile boolean closed;

  Connection(ManagedChannel channel, ApiKey apiKey, Threads threads) {
    this.channel = channel;
    this.apiKey = apiKey;
    this.threads = threads;
  }

  ApiKey apiKey() {
    return apiKey;
  }

  /** Where the code of callers runs. */
  Executor executor() {
    return threads.executor();
  }

  /** Runs a task later, where the code of callers runs. */
  Future<?> schedule(Runnable task, long delayNanos) {
    return threads
        .timers()
        .schedule(() -> executor().execute(task), delayNanos, TimeUnit.NANOSECONDS);
  }

  /**
   * Begins a call. A channel that could not connect tries at once, rather than when its own
   * back-off allows: how long to wait is decided here, by the callers.
   */
  <Q, P> ClientCall<Q, P> newCall(MethodDescriptor<Q, P> method, CallOptions options) {
    if (channel.getState(false) == ConnectivityState.TRANSIENT_FAILURE) {
      renew();
    }
    return channel.newCall(method, options);
  }

  /**
   * Has the next call connect anew. A connection that there is stays for what is open on it, and
   * goes with that.
   */
  void renew() {
    channel.enterIdle();
  }

  /**
   * Has {@code close} run when the connection is closed, until it is given to {@link #leave}.
   *
   * @throws ClosedException if the connection is closed
   */
  void enter(Runnable close) {
    open.add(close);
    // Closing reads the set after it sets the flag: one of the two sees the other.
    if (closed) {
      open.remove(close);
      throw new ClosedException("the client is closed");
    }
  }

  void leave(Runnable close) {
    open.remove(close);
  }

  boolean isClosed() {
    return closed;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      open.forEach(Runnable::run);
      channel.shutdownNow();
    }
    threads.close(channel);
  }
}
