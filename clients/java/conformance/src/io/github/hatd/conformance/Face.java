package io.github.hatd.conformance;

import com.google.protobuf.Message;
import io.github.hatd.Change;
import io.github.hatd.Counters;
import io.github.hatd.Event;
import io.github.hatd.HatdClient;
import io.github.hatd.MirrorOptions;
import io.github.hatd.MirrorView;
import io.github.hatd.WatchOptions;
import java.time.Duration;
import java.util.List;

/** What the adapter does with a client, by one of the two faces that a client has. */
interface Face {

  /** A watch of the face. */
  interface Watching {
    Event next() throws Exception;

    String token();

    Counters counters();

    void close();
  }

  /** A mirror of the face. */
  interface Mirroring {
    void ready() throws Exception;

    void waitFor(Message answer) throws Exception;

    void waitFor(String token) throws Exception;

    Listening listen();

    MirrorView view();

    void close();
  }

  /** A listener to the changes of a mirror. */
  interface Listening {
    Change next() throws Exception;
  }

  /** Makes a call; no timeout is null. */
  Message call(String method, Message request, Duration timeout) throws Exception;

  Message giveHat(String roomJid, String userJid, String hatId) throws Exception;

  List<Message> listAll(String method, Message request) throws Exception;

  Watching watch(WatchOptions options);

  Mirroring mirror(MirrorOptions options);

  void close();

  /** Returns the face that a variant of the adapter tries. */
  static Face of(String variant, HatdClient client) {
    return switch (variant) {
      case "blocking" -> new BlockingFace(client);
      case "async" -> new AsyncFace(client);
      default -> throw new IllegalArgumentException("no variant " + variant);
    };
  }
}
