package io.github.hatd.conformance;

import com.google.protobuf.Message;
import io.github.hatd.Change;
import io.github.hatd.Changes;
import io.github.hatd.Counters;
import io.github.hatd.Event;
import io.github.hatd.HatdCalls;
import io.github.hatd.HatdClient;
import io.github.hatd.Mirror;
import io.github.hatd.MirrorOptions;
import io.github.hatd.MirrorView;
import io.github.hatd.Watch;
import io.github.hatd.WatchOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The face that waits. */
final class BlockingFace implements Face {

  private final HatdClient client;

  BlockingFace(HatdClient client) {
    this.client = client;
  }

  @Override
  public Message call(String method, Message request, Duration timeout) throws Exception {
    HatdCalls calls = timeout == null ? client : client.withTimeout(timeout);
    return (Message) Methods.invoke(calls, Methods.ofRpc(method), request);
  }

  @Override
  public Message giveHat(String roomJid, String userJid, String hatId) {
    return client.giveHat(roomJid, userJid, hatId);
  }

  @Override
  public List<Message> listAll(String method, Message request) throws Exception {
    List<Message> items = new ArrayList<>();
    for (Object item : (Iterable<?>) Methods.invoke(client, Methods.ofList(method), request)) {
      items.add((Message) item);
    }
    return items;
  }

  @Override
  public Watching watch(WatchOptions options) {
    Watch watch = client.watch(options);
    return new Watching() {
      @Override
      public Event next() {
        return watch.next();
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
    Mirror mirror = client.mirror(options);
    return new Mirroring() {
      @Override
      public void ready() {
        mirror.ready();
      }

      @Override
      public void waitFor(Message answer) {
        mirror.waitFor(answer);
      }

      @Override
      public void waitFor(String token) {
        mirror.waitFor(token);
      }

      @Override
      public Listening listen() {
        Changes changes = mirror.changes();
        return new Listening() {
          @Override
          public Change next() {
            return changes.next();
          }
        };
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
}
