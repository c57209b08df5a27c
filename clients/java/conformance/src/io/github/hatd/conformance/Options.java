package io.github.hatd.conformance;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.github.hatd.MirrorOptions;
import io.github.hatd.WatchOptions;
import io.github.hatd.v1.OnExpired;
import io.github.hatd.v1.WatchSelector;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Reads the options of a command. */
final class Options {

  private Options() {}

  static WatchOptions watch(JsonObject command) throws IOException {
    JsonObject given = given(command);
    WatchOptions options = WatchOptions.of(selectors(given));
    if (given.get("start") instanceof JsonObject start) {
      options = options.withResumeToken(Adapter.string(start, "resume_token"));
    } else if (given.has("start") && Adapter.string(given, "start").equals("now")) {
      options = options.withStartNow();
    }
    if (given.has("on_expired")) {
      String onExpired = "ON_EXPIRED_" + Adapter.string(given, "on_expired");
      options = options.withOnExpired(OnExpired.valueOf(onExpired));
    }
    if (given.has("heartbeat_interval_ms")) {
      options = options.withHeartbeatInterval(millis(given.get("heartbeat_interval_ms")));
    }
    if (given.has("at_least_token")) {
      options = options.withAtLeastToken(Adapter.string(given, "at_least_token"));
    }
    if (given.has("reconnect_delay_max_ms")) {
      options = options.withReconnectDelayMax(millis(given.get("reconnect_delay_max_ms")));
    }
    return options;
  }

  static MirrorOptions mirror(JsonObject command) throws IOException {
    JsonObject given = given(command);
    MirrorOptions options = MirrorOptions.of(selectors(given));
    if (given.has("heartbeat_interval_ms")) {
      options = options.withHeartbeatInterval(millis(given.get("heartbeat_interval_ms")));
    }
    if (given.has("reconnect_delay_max_ms")) {
      options = options.withReconnectDelayMax(millis(given.get("reconnect_delay_max_ms")));
    }
    return options;
  }

  static Duration millis(JsonElement millis) {
    return Duration.ofMillis(millis.getAsLong());
  }

  private static JsonObject given(JsonObject command) {
    return command.has("options") ? command.getAsJsonObject("options") : new JsonObject();
  }

  private static List<WatchSelector> selectors(JsonObject options) throws IOException {
    List<WatchSelector> selectors = new ArrayList<>();
    if (options.has("selectors")) {
      for (JsonElement given : options.getAsJsonArray("selectors")) {
        WatchSelector.Builder selector = WatchSelector.newBuilder();
        Adapter.merge(given, selector);
        selectors.add(selector.build());
      }
    }
    return selectors;
  }
}
