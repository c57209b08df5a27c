package io.github.hatd;

import com.google.protobuf.Message;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.function.Consumer;

/**
 * Drives a mirror: takes events from its watch as they come, applies them, and tells the listeners
 * and those who wait. All of it happens in the context of the watch.
 */
final class MirrorDriver {

  private final Connection connection;
  private final MirrorState state = new MirrorState();
  private final Set<ChangeQueue> queues = new CopyOnWriteArraySet<>();
  private final WatchDriver watch;
  private final Waits waits;

  private boolean timerSet;

  private volatile HatdException lastError;

  /** What ended the mirror. Null: it goes on. */
  private volatile HatdException failure;

  MirrorDriver(Connection connection, MirrorOptions options) {
    this.connection = connection;
    this.waits = new Waits(options.watch().selectors(), new Actions());
    this.watch = new WatchDriver(connection, options.watch(), new Observer());
    watch.execute(this::proceed);
  }

  MirrorState state() {
    return state;
  }

  WatchDriver.State watchState() {
    return watch.state();
  }

  boolean isReady() {
    return waits.ready();
  }

  boolean isStale() {
    return !waits.complete();
  }

  HatdException lastError() {
    return lastError;
  }

  CompletableFuture<Void> ready() {
    return waiting(waits::untilReady);
  }

  CompletableFuture<Void> waitFor(Message answer, String token) {
    return waiting(done -> waits.untilIncluded(answer, token, done, System.nanoTime()));
  }

  ChangeQueue changes() {
    ChangeQueue queue = new ChangeQueue(queues::remove);
    queues.add(queue);
    // Ending fails the queues after it sets the error: one of the two sees the other.
    if (failure != null) {
      queue.fail(failure);
    }
    return queue;
  }

  void close() {
    watch.close();
  }

  private CompletableFuture<Void> waiting(Consumer<CompletableFuture<Void>> wait) {
    CompletableFuture<Void> inside = new CompletableFuture<>();
    CompletableFuture<Void> outside = new CompletableFuture<>();
    // What callers do next may block, and the mirror goes on meanwhile.
    inside.whenCompleteAsync(
        (nothing, error) -> {
          if (error == null) {
            outside.complete(null);
          } else {
            outside.completeExceptionally(error);
          }
        },
        connection.executor());
    outside.whenComplete((nothing, error) -> inside.cancel(false));
    watch.execute(() -> wait.accept(inside));
    return outside;
  }

  private void proceed() {
    watch.next().whenComplete(this::take);
  }

  private void take(Event event, Throwable error) {
    if (error != null) {
      end((HatdException) error);
      return;
    }
    Set<Change> changes = state.apply(event);
    waits.applied(event, System.nanoTime());
    if (!changes.isEmpty()) {
      queues.forEach(queue -> queue.offer(changes));
    }
    proceed();
  }

  private void end(HatdException error) {
    HatdException last =
        error instanceof ClosedException ? new ClosedException("the mirror is closed") : error;
    lastError = last;
    failure = last;
    waits.ended(last);
    queues.forEach(queue -> queue.fail(last));
  }

  private final class Actions implements Waits.Actions {

    @Override
    public void reopen(String atLeastToken) {
      watch.reopen(atLeastToken);
    }

    @Override
    public void wakeAt(long nanos) {
      if (!timerSet) {
        timerSet = true;
        connection.schedule(() -> watch.execute(this::wake), nanos - System.nanoTime());
      }
    }

    private void wake() {
      timerSet = false;
      waits.time(System.nanoTime());
    }
  }

  private final class Observer implements WatchDriver.Observer {

    @Override
    public void disconnected(Disconnect cause) {
      cause.error().ifPresent(error -> lastError = error);
      if (cause.losesPosition()) {
        waits.lost();
      }
    }

    @Override
    public void reopenRefused(HatdException error) {
      lastError = error;
      waits.refused(error);
    }
  }
}
