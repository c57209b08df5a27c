package io.github.hatd;

import io.github.hatd.v1.HatServiceGrpc;
import io.github.hatd.v1.WatchHatsRequest;
import io.github.hatd.v1.WatchHatsResponse;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.SynchronizationContext;
import java.time.Duration;
import java.time.Instant;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;

/**
 * Drives a watch: tells its core what happens, and does what that decides.
 *
 * <p>All of it happens in one {@link SynchronizationContext}, one thing after the other, on
 * whichever thread brings the news; only {@link #state} is read from others.
 */
final class WatchDriver implements Source<Event> {

  /** What can be read while the watch goes on. The time is null until the first response. */
  record State(String token, Counters counters, Instant lastResponse) {}

  /** Is told, in the context, what only a mirror needs to know. */
  interface Observer {

    default void disconnected(Disconnect cause) {}

    default void reopenRefused(HatdException error) {}
  }

  private final SynchronizationContext context =
      new SynchronizationContext(
          (thread, error) -> thread.getUncaughtExceptionHandler().uncaughtException(thread, error));
  private final Connection connection;
  private final WatchListener listener;
  private final Observer observer;
  private final Runnable close = this::close;
  private final WatchCore core;

  private Stream stream;
  private CompletableFuture<Event> asked;
  private Future<?> timer;
  private long timerAt;
  private Instant lastResponse;
  private boolean closed;

  private volatile State state;

  /** Prepares a watch. Nothing is sent until its first event is asked for. */
  WatchDriver(Connection connection, WatchOptions options, Observer observer) {
    this.connection = connection;
    this.listener = options.listener();
    this.observer = observer;
    this.core =
        new WatchCore(
            options,
            connection.apiKey().renewable(),
            System.nanoTime(),
            new SplittableRandom(),
            new Actions());
    publish();
    connection.enter(close);
  }

  State state() {
    return state;
  }

  /** Runs a task in the context. */
  void execute(Runnable task) {
    context.execute(task);
  }

  @Override
  public CompletableFuture<Event> next() {
    CompletableFuture<Event> next = new CompletableFuture<>();
    context.execute(
        () -> {
          if (closed) {
            next.completeExceptionally(closedException());
            return;
          }
          asked = next;
          core.ask(System.nanoTime());
          publish();
        });
    return next;
  }

  /** See {@link WatchCore#reopen}. To be called in the context. */
  void reopen(String atLeastToken) {
    core.reopen(atLeastToken, System.nanoTime());
  }

  @Override
  public void close() {
    connection.leave(close);
    context.execute(
        () -> {
          if (closed) {
            return;
          }
          closed = true;
          cancelStream();
          if (timer != null) {
            timer.cancel(false);
          }
          if (asked != null) {
            asked.completeExceptionally(closedException());
          }
        });
  }

  private static ClosedException closedException() {
    return new ClosedException("the watch is closed");
  }

  private void publish() {
    state = new State(core.position(), core.counters(), lastResponse);
  }

  private void wake() {
    timer = null;
    if (!closed) {
      core.time(System.nanoTime());
      publish();
    }
  }

  private void cancelStream() {
    if (stream != null) {
      stream.call.cancel("the watch does without it", null);
      stream = null;
    }
  }

  private final class Actions implements WatchCore.Actions {

    @Override
    public void open(WatchHatsRequest request) {
      String key;
      try {
        key = connection.apiKey().current();
      } catch (HatdException error) {
        context.executeLater(
            () -> {
              if (!closed) {
                core.ended(error, System.nanoTime());
                publish();
              }
            });
        return;
      }
      // A watch outlives the call of a server, say, that a thread which asks for an event works on.
      Context.ROOT.run(
          () -> {
            // It lasts: it has no deadline.
            CallOptions options = CallOptions.DEFAULT;
            stream =
                new Stream(connection.newCall(HatServiceGrpc.getWatchHatsMethod(), options), key);
            stream.start(request);
          });
    }

    @Override
    public void pull() {
      stream.call.request(1);
    }

    @Override
    public void cancel() {
      cancelStream();
    }

    @Override
    public void wakeAt(long nanos) {
      if (timer != null) {
        if (timerAt - nanos <= 0) {
          // It wakes the core too early, and the core asks again: cheaper than a timer an event.
          return;
        }
        timer.cancel(false);
      }
      timerAt = nanos;
      timer =
          connection.schedule(
              () -> context.execute(WatchDriver.this::wake), nanos - System.nanoTime());
    }

    @Override
    public void give(Event event) {
      publish();
      take().complete(event);
    }

    @Override
    public void fail(HatdException error) {
      publish();
      take().completeExceptionally(error);
    }

    @Override
    public void connected() {
      notify(listener::connected);
    }

    @Override
    public void disconnected(Disconnect cause, Duration retryIn) {
      publish();
      if (cause.kind() == Disconnect.Kind.SILENT) {
        connection.renew();
      }
      observer.disconnected(cause);
      notify(() -> listener.disconnected(cause, retryIn));
    }

    @Override
    public void reopenRefused(HatdException error) {
      observer.reopenRefused(error);
    }

    private CompletableFuture<Event> take() {
      CompletableFuture<Event> taken = asked;
      asked = null;
      return taken;
    }

    /** Tells the caller's listener. What it throws is not the watch's to stumble over. */
    private void notify(Runnable event) {
      try {
        event.run();
      } catch (RuntimeException error) {
        Thread thread = Thread.currentThread();
        thread.getUncaughtExceptionHandler().uncaughtException(thread, error);
      }
    }
  }

  /** A stream. What it says after it was cancelled is not heard. */
  private final class Stream extends ClientCall.Listener<WatchHatsResponse> {

    private final ClientCall<WatchHatsRequest, WatchHatsResponse> call;
    private final String key;

    Stream(ClientCall<WatchHatsRequest, WatchHatsResponse> call, String key) {
      this.call = call;
      this.key = key;
    }

    void start(WatchHatsRequest request) {
      call.start(this, ApiKey.headers(key));
      call.request(1);
      call.sendMessage(request);
      call.halfClose();
    }

    @Override
    public void onMessage(WatchHatsResponse response) {
      context.execute(
          () -> {
            if (stream == this) {
              lastResponse = Instant.now();
              core.response(response, System.nanoTime());
              publish();
            }
          });
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      context.execute(
          () -> {
            if (stream == this) {
              stream = null;
              if (status.getCode() == Status.Code.UNAUTHENTICATED) {
                connection.apiKey().refused(key);
              }
              core.ended(status.isOk() ? null : Errors.of(status, trailers, ""), System.nanoTime());
              publish();
            }
          });
    }
  }
}
