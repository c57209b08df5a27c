package io.github.hatd.conformance;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import io.github.hatd.Counters;
import io.github.hatd.DisplayedHat;
import io.github.hatd.Event;
import io.github.hatd.HatdException;
import io.github.hatd.MirrorView;
import io.github.hatd.v1.RoomDefinition;
import java.util.List;
import java.util.concurrent.CancellationException;

/** Writes what the adapter answers. */
final class Replies {

  private Replies() {}

  static JsonElement message(Message message) throws InvalidProtocolBufferException {
    return JsonParser.parseString(JsonFormat.printer().print(message));
  }

  static JsonObject items(List<Message> items) throws InvalidProtocolBufferException {
    JsonObject reply = new JsonObject();
    reply.add("items", messages(items));
    return reply;
  }

  static JsonObject event(Event event) throws InvalidProtocolBufferException {
    JsonObject reply = new JsonObject();
    reply.addProperty("token", event.token());
    if (event instanceof Event.Reset reset) {
      reply.addProperty("kind", "reset");
      reply.addProperty("reason", reset.reason().name());
    } else if (event instanceof Event.Snapshot snapshot) {
      reply.addProperty("kind", "snapshot");
      reply.add("page", message(snapshot.page()));
    } else if (event instanceof Event.Changes changes) {
      reply.addProperty("kind", "changes");
      reply.add("commits", messages(changes.commits()));
    } else {
      reply.addProperty("kind", "bookmark");
    }
    return reply;
  }

  static JsonObject status(String token, Counters counters) {
    JsonObject reply = new JsonObject();
    reply.addProperty("token", token);
    reply.addProperty("reconnects", counters.reconnects());
    reply.addProperty("resets", counters.resets());
    reply.addProperty("chain_breaks", counters.chainBreaks());
    return reply;
  }

  static JsonObject hats(List<DisplayedHat> hats) {
    JsonArray shown = new JsonArray();
    for (DisplayedHat hat : hats) {
      JsonObject json = new JsonObject();
      json.addProperty("hat_id", hat.hatId());
      json.addProperty("title", hat.title());
      hat.hue().ifPresent(hue -> json.addProperty("hue", hue));
      shown.add(json);
    }
    JsonObject reply = new JsonObject();
    reply.add("hats", shown);
    return reply;
  }

  static JsonObject state(MirrorView mirror) throws InvalidProtocolBufferException {
    JsonArray rooms = new JsonArray();
    JsonArray definitions = new JsonArray();
    JsonArray users = new JsonArray();
    for (String room : mirror.rooms()) {
      rooms.addAll(messages(mirror.room(room).stream().toList()));
      definitions.addAll(
          messages(
              mirror.definitions(room).stream()
                  .map(
                      definition ->
                          RoomDefinition.newBuilder()
                              .setRoomJid(room)
                              .setDefinition(definition)
                              .build())
                  .toList()));
      users.addAll(messages(mirror.users(room)));
    }
    JsonObject reply = new JsonObject();
    reply.add("rooms", rooms);
    reply.add("definitions", definitions);
    reply.add("users", users);
    return reply;
  }

  static JsonObject error(Exception error) {
    JsonObject reply = new JsonObject();
    if (error instanceof HatdException refusal) {
      String type = refusal.getClass().getSimpleName().replaceFirst("Exception$", "");
      reply.addProperty("type", type.equals("Hatd") ? "HatdError" : type);
      reply.addProperty("code", refusal.code().name());
      reply.addProperty("reason", refusal.reason());
      JsonObject metadata = new JsonObject();
      refusal.metadata().forEach(metadata::addProperty);
      reply.add("metadata", metadata);
      reply.addProperty("request_id", refusal.requestId());
      JsonArray violations = new JsonArray();
      for (HatdException.FieldViolation violation : refusal.fieldViolations()) {
        JsonObject json = new JsonObject();
        json.addProperty("field", violation.field());
        json.addProperty("description", violation.description());
        violations.add(json);
      }
      reply.add("violations", violations);
      refusal
          .retryDelay()
          .ifPresent(delay -> reply.addProperty("retry_delay_ms", delay.toMillis()));
    } else if (error instanceof InterruptedException || error instanceof CancellationException) {
      // What Java itself says of a wait that was given up.
      reply.addProperty("type", "HatdError");
      reply.addProperty("code", "CANCELLED");
    } else {
      reply.addProperty("type", "BadCommand");
    }
    reply.addProperty("message", String.valueOf(error.getMessage()));
    return reply;
  }

  private static JsonArray messages(List<? extends Message> messages)
      throws InvalidProtocolBufferException {
    JsonArray array = new JsonArray();
    for (Message message : messages) {
      array.add(message(message));
    }
    return array;
  }
}
