package io.github.hatd.conformance;

import com.google.protobuf.Message;
import io.github.hatd.AsyncHatdCalls;
import io.github.hatd.AsyncHatdClient;
import io.github.hatd.AsyncMirror;
import io.github.hatd.AsyncWatch;
import io.github.hatd.Change;
import io.github.hatd.Counters;
import io.github.hatd.Event;
import io.github.hatd.HatdClient;
import io.github.hatd.MirrorOptions;
import io.github.hatd.MirrorView;
import io.github.hatd.WatchOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;

/** The face of futures and publishers. Only here, at the end, are they waited for. */
final class AsyncFace implements Face {

  private final HatdClient client;
  private final AsyncHatdClient async;

  AsyncFace(HatdClient client) {
    this.client = client;
    this.async = client.async();
  }

  @Override
  public Message call(String method, Message request, Duration timeout) throws Exception {
    AsyncHatdCalls calls = timeout == null ? async : async.withTimeout(timeout);
    Object answer = Methods.invoke(calls, Methods.ofRpc(method), request);
    return (Message) await((CompletableFuture<?>) answer);
  }

  @Override
  public Message giveHat(String roomJid, String userJid, String hatId) throws Exception {
    return await(async.giveHat(roomJid, userJid, hatId));
  }

  @Override
  public List<Message> listAll(String method, Message request) throws Exception {
    Object items = Methods.invoke(async, Methods.ofList(method), request);
    List<Message> all = new ArrayList<>();
    Pull<Object> pull = new Pull<>();
    pull.subscribeTo((Flow.Publisher<?>) items);
    for (Object item = pull.next(); item != null; item = pull.next()) {
      all.add((Message) item);
    }
    return all;
  }

  @Override
  public Watching watch(WatchOptions options) {
    AsyncWatch watch = async.watch(options);
    Pull<Event> events = new Pull<>();
    events.subscribeTo(watch);
    return new Watching() {
      @Override
      public Event next() throws Exception {
        return events.next();
      }

      @Override
      public String token() {
        return watch.token();
      }

      @Override
      public Counters counters() {
        return watch.counters();
      }

      @Override
      public void close() {
        watch.close();
      }
    };
  }

  @Override
  public Mirroring mirror(MirrorOptions options) {
    AsyncMirror mirror = async.mirror(options);
    return new Mirroring() {
      @Override
      public void ready() throws Exception {
        await(mirror.ready());
      }

      @Override
      public void waitFor(Message answer) throws Exception {
        await(mirror.waitFor(answer));
      }

      @Override
      public void waitFor(String token) throws Exception {
        await(mirror.waitFor(token));
      }

      @Override
      public Listening listen() {
        Pull<Change> changes = new Pull<>();
        changes.subscribeTo(mirror.changes());
        return changes::next;
      }

      @Override
      public MirrorView view() {
        return mirror;
      }

      @Override
      public void close() {
        mirror.close();
      }
    };
  }

  @Override
  public void close() {
    client.close();
  }

  private static <T> T await(CompletableFuture<T> future) throws Exception {
    try {
      return future.get();
    } catch (ExecutionException error) {
      throw error.getCause() instanceof Exception cause ? cause : error;
    } finally {
      future.cancel(true);
    }
  }

  /** A subscriber that requests a value when somebody wants one. */
  private static final class Pull<T> implements Flow.Subscriber<T> {

    private Flow.Subscription subscription;
    private CompletableFuture<T> wanted;
    private Throwable end;
    private boolean ended;

    void subscribeTo(Flow.Publisher<? extends T> publisher) {
      publisher.subscribe(this);
    }

    /** Returns the next value, null at the end. */
    T next() throws Exception {
      CompletableFuture<T> next;
      boolean requests = false;
      synchronized (this) {
        if (wanted == null) {
          wanted = new CompletableFuture<>();
          requests = !ended;
        }
        next = wanted;
        endIfEnded();
      }
      if (requests) {
        subscription.request(1);
      }
      try {
        T value = next.get();
        taken(next);
        return value;
      } catch (ExecutionException error) {
        taken(next);
        throw error.getCause() instanceof Exception cause ? cause : error;
      }
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      this.subscription = subscription;
    }

    @Override
    public synchronized void onNext(T value) {
      wanted.complete(value);
    }

    @Override
    public synchronized void onError(Throwable error) {
      end = error;
      ended = true;
      endIfEnded();
    }

    @Override
    public synchronized void onComplete() {
      ended = true;
      endIfEnded();
    }

    private synchronized void taken(CompletableFuture<T> value) {
      if (wanted == value) {
        wanted = null;
      }
    }

    private synchronized void endIfEnded() {
      if (ended && wanted != null && !wanted.isDone()) {
        if (end == null) {
          wanted.complete(null);
        } else {
          wanted.completeExceptionally(end);
        }
      }
    }
  }
}
