package io.github.hatd.conformance;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import io.github.hatd.Change;
import io.github.hatd.HatdCalls;
import io.github.hatd.HatdClient;
import io.github.hatd.MirrorView;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * Does with the client what the conformance runner says, and says what came of it. The runner's
 * README has the protocol.
 */
public final class Adapter {

  private final String variant;
  private final PrintStream replies = new PrintStream(System.out, true, StandardCharsets.UTF_8);
  private final Map<String, Thread> commands = new ConcurrentHashMap<>();
  private final Map<String, Face.Watching> watches = new ConcurrentHashMap<>();
  private final Map<String, Face.Mirroring> mirrors = new ConcurrentHashMap<>();
  private final Map<String, Face.Listening> listeners = new ConcurrentHashMap<>();
  private volatile Face face;

  private Adapter(String variant) {
    this.variant = variant;
  }

  /**
   * Runs the adapter until its standard input ends.
   *
   * @param arguments the variant: {@code blocking}, which is the default, or {@code async}
   * @throws Exception if the input cannot be read
   */
  public static void main(String[] arguments) throws Exception {
    Adapter adapter = new Adapter(arguments.length == 0 ? "blocking" : arguments[0]);
    BufferedReader input =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      adapter.start(line);
    }
    adapter.closeFace();
  }

  /** Starts a command on a thread of its own, so that one which waits holds up no other. */
  private void start(String line) {
    JsonObject command = JsonParser.parseString(line).getAsJsonObject();
    JsonElement id = command.get("id");
    Thread thread =
        new Thread(
            () -> {
              JsonObject reply = new JsonObject();
              reply.add("id", id);
              try {
                reply.add("ok", run(command));
              } catch (Exception error) {
                reply.add("error", Replies.error(error));
              }
              commands.remove(id.toString());
              synchronized (replies) {
                replies.println(reply);
              }
            });
    thread.setDaemon(true);
    commands.put(id.toString(), thread);
    thread.start();
  }

  private JsonElement run(JsonObject command) throws Exception {
    return switch (string(command, "op")) {
      case "connect" -> connect(command);
      case "call" -> {
        Message request = request(command, Methods.ofRpc(string(command, "method")));
        Duration timeout =
            command.has("timeout_ms") ? Options.millis(command.get("timeout_ms")) : null;
        yield Replies.message(face.call(string(command, "method"), request, timeout));
      }
      case "give_hat" ->
          Replies.message(
              face.giveHat(
                  string(command, "room_jid"),
                  string(command, "user_jid"),
                  string(command, "hat_id")));
      case "list_all" -> {
        Message request = request(command, Methods.ofList(string(command, "method")));
        yield Replies.items(face.listAll(string(command, "method"), request));
      }
      case "cancel" -> {
        Thread cancelled = commands.get(command.get("command").toString());
        if (cancelled != null) {
          cancelled.interrupt();
        }
        yield new JsonObject();
      }
      case "watch" -> {
        watches.put(string(command, "watch"), face.watch(Options.watch(command)));
        yield new JsonObject();
      }
      case "next" -> Replies.event(watch(command).next());
      case "watch_status" -> Replies.status(watch(command).token(), watch(command).counters());
      case "close_watch" -> {
        watch(command).close();
        yield new JsonObject();
      }
      case "mirror" -> {
        mirrors.put(string(command, "mirror"), face.mirror(Options.mirror(command)));
        yield new JsonObject();
      }
      case "ready" -> {
        mirror(command).ready();
        yield new JsonObject();
      }
      case "hats" -> hats(command);
      case "wait_for" -> waitFor(command);
      case "listen" -> {
        listeners.put(string(command, "listener"), mirror(command).listen());
        yield new JsonObject();
      }
      case "next_change" -> {
        Change change = named(listeners, command, "listener").next();
        JsonObject reply = new JsonObject();
        reply.addProperty("room_jid", change.roomJid());
        reply.addProperty("user_jid", change.userJid());
        yield reply;
      }
      case "mirror_state" -> Replies.state(mirror(command).view());
      case "mirror_status" -> {
        MirrorView mirror = mirror(command).view();
        JsonObject reply = Replies.status(mirror.token(), mirror.counters());
        reply.addProperty("ready", mirror.isReady());
        reply.addProperty("stale", mirror.isStale());
        yield reply;
      }
      case "close_mirror" -> {
        mirror(command).close();
        yield new JsonObject();
      }
      case "close" -> {
        closeFace();
        yield new JsonObject();
      }
      default -> throw new IllegalArgumentException("no op " + string(command, "op"));
    };
  }

  private JsonObject connect(JsonObject command) throws Exception {
    closeFace();
    watches.clear();
    mirrors.clear();
    listeners.clear();
    HatdClient.Builder builder = HatdClient.builder(string(command, "target"));
    given(command, "api_key", value -> builder.apiKey(value.getAsString()));
    given(command, "read_timeout_ms", value -> builder.readTimeout(Options.millis(value)));
    given(command, "write_timeout_ms", value -> builder.writeTimeout(Options.millis(value)));
    if (command.has("plaintext") && command.get("plaintext").getAsBoolean()) {
      builder.plaintext();
    }
    if (command.has("ca_file")) {
      builder.trustedCertificates(Files.readString(Path.of(string(command, "ca_file"))));
    }
    face = Face.of(variant, builder.connect());
    return new JsonObject();
  }

  private JsonObject hats(JsonObject command) {
    MirrorView mirror = mirror(command).view();
    String room = string(command, "room_jid");
    String user = string(command, "user_jid");
    return Replies.hats(
        command.has("language")
            ? mirror.hats(room, user, string(command, "language"))
            : mirror.hats(room, user));
  }

  private JsonObject waitFor(JsonObject command) throws Exception {
    if (command.has("token")) {
      mirror(command).waitFor(string(command, "token"));
    } else {
      String response = "io.github.hatd.v1." + string(command, "method") + "Response";
      Message.Builder answer =
          (Message.Builder) Class.forName(response).getMethod("newBuilder").invoke(null);
      merge(command.get("answer"), answer);
      mirror(command).waitFor(answer.build());
    }
    return new JsonObject();
  }

  private Message request(JsonObject command, String method) throws Exception {
    Message.Builder request = Methods.requestBuilder(HatdCalls.class, method);
    if (command.has("request")) {
      merge(command.get("request"), request);
    }
    return request.build();
  }

  private void closeFace() {
    if (face != null) {
      face.close();
    }
  }

  private Face.Watching watch(JsonObject command) {
    return named(watches, command, "watch");
  }

  private Face.Mirroring mirror(JsonObject command) {
    return named(mirrors, command, "mirror");
  }

  private static <T> T named(Map<String, T> things, JsonObject command, String kind) {
    T thing = things.get(string(command, kind));
    if (thing == null) {
      throw new IllegalArgumentException("no " + kind + " " + string(command, kind));
    }
    return thing;
  }

  private static void given(JsonObject command, String name, Consumer<JsonElement> use) {
    if (command.has(name)) {
      use.accept(command.get(name));
    }
  }

  static void merge(JsonElement json, Message.Builder message) throws IOException {
    JsonFormat.parser().merge(json.toString(), message);
  }

  static String string(JsonObject object, String name) {
    if (object.get(name) instanceof JsonPrimitive value) {
      return value.getAsString();
    }
    throw new IllegalArgumentException("no " + name);
  }
}
