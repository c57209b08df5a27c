package io.github.hatd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.ResourceInfo;
import com.google.rpc.RetryInfo;
import io.github.hatd.v1.ErrorReason;
import io.grpc.Metadata;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.net.ConnectException;
import java.nio.channels.ClosedChannelException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ErrorsTest {

  private static ErrorInfo info(String domain, String reason) {
    return ErrorInfo.newBuilder()
        .setDomain(domain)
        .setReason(reason)
        .putMetadata("room_jid", "room@example.org")
        .build();
  }

  private static HatdException refusal(Message... details) {
    com.google.rpc.Status.Builder status = com.google.rpc.Status.newBuilder().setCode(5);
    for (Message detail : details) {
      status.addDetails(Any.pack(detail));
    }
    return refusal(status.build().toByteArray());
  }

  private static HatdException refusal(byte[] details) {
    Metadata trailers = new Metadata();
    trailers.put(Errors.DETAILS, details);
    return Errors.of(Status.NOT_FOUND.withDescription("no such room"), trailers, "id-1");
  }

  @ParameterizedTest
  @EnumSource(
      value = ErrorReason.class,
      names = {"ERROR_REASON_UNSPECIFIED", "UNRECOGNIZED"},
      mode = EnumSource.Mode.EXCLUDE)
  void eachReasonHasATypeOfItsName(ErrorReason reason) {
    String name = reason.name().replace("ERROR_REASON_", "");
    HatdException error = refusal(info("hatd.v1", name));

    StringBuilder type = new StringBuilder();
    for (String word : name.split("_")) {
      type.append(word.charAt(0)).append(word.substring(1).toLowerCase(java.util.Locale.ROOT));
    }
    assertEquals(type + "Exception", error.getClass().getSimpleName());
    assertEquals(name, error.reason());
  }

  @Test
  void anErrorHasAllThatTheServerSaid() {
    HatdException error =
        refusal(
            info("hatd.v1", "ROOM_NOT_FOUND"),
            BadRequest.newBuilder()
                .addFieldViolations(
                    BadRequest.FieldViolation.newBuilder()
                        .setField("room_jid")
                        .setDescription("is not there"))
                .build(),
            ResourceInfo.newBuilder()
                .setResourceType("room")
                .setResourceName("room@example.org")
                .build(),
            RetryInfo.newBuilder()
                .setRetryDelay(Duration.newBuilder().setNanos(250_000_000))
                .build());

    assertEquals(RoomNotFoundException.class, error.getClass());
    assertEquals(Status.Code.NOT_FOUND, error.code());
    assertEquals("no such room", error.getMessage());
    assertEquals(Map.of("room_jid", "room@example.org"), error.metadata());
    assertEquals("id-1", error.requestId());
    assertEquals(
        List.of(new HatdException.FieldViolation("room_jid", "is not there")),
        error.fieldViolations());
    assertEquals(
        Optional.of(new HatdException.Resource("room", "room@example.org")), error.resource());
    assertEquals(Optional.of(java.time.Duration.ofMillis(250)), error.retryDelay());
  }

  @Test
  void anUnknownReasonKeepsItsName() {
    HatdException error = refusal(info("hatd.v1", "ROOM_ON_FIRE"));
    assertSame(HatdException.class, error.getClass());
    assertEquals("ROOM_ON_FIRE", error.reason());
  }

  @Test
  void aReasonOfAnotherDomainIsNotOurs() {
    HatdException error = refusal(info("example.org", "ROOM_NOT_FOUND"));
    assertSame(HatdException.class, error.getClass());
    assertEquals("", error.reason());
    assertEquals(Map.of(), error.metadata());
  }

  @Test
  void detailsThatCannotBeReadAreLeftOut() {
    byte[] nonsense = {1, 2, 3};
    assertSame(HatdException.class, refusal(nonsense).getClass());
    Any detail =
        Any.newBuilder()
            .setTypeUrl("type.googleapis.com/google.rpc.ErrorInfo")
            .setValue(ByteString.copyFrom(nonsense))
            .build();
    byte[] status = com.google.rpc.Status.newBuilder().addDetails(detail).build().toByteArray();
    HatdException error = refusal(status);
    assertSame(HatdException.class, error.getClass());
    assertEquals("no such room", error.getMessage());
  }

  @Test
  void aDelayThatIsNoneIsLeftOut() {
    Duration negative = Duration.newBuilder().setSeconds(-1).build();
    Duration tooLong = Duration.newBuilder().setSeconds(Long.MAX_VALUE).build();
    assertEquals(Optional.empty(), Errors.duration(negative));
    assertEquals(Optional.empty(), Errors.duration(tooLong));
  }

  @Test
  void anUnreachableServerIsToldByTheInnermostCause() {
    Throwable cause = new RuntimeException("io", new ConnectException("Connection refused"));
    HatdException error =
        Errors.of(Status.UNAVAILABLE.withDescription("io exception").withCause(cause), null, "");
    assertEquals("the server cannot be reached: Connection refused", error.getMessage());
    assertSame(cause, error.getCause());
  }

  @Test
  void aConnectionThatClosesUnderACallIsUnavailable() {
    Status closed = Status.UNKNOWN.withDescription("channel closed");
    HatdException error =
        Errors.of(closed.withCause(new ClosedChannelException()), new Metadata(), "");
    assertEquals(Status.Code.UNAVAILABLE, error.code());
    assertEquals("the server cannot be reached: the connection closed", error.getMessage());
    assertEquals(Status.Code.UNKNOWN, Errors.of(closed, new Metadata(), "").code());
  }

  @Test
  void anErrorWithoutAMessageSaysItsCode() {
    assertEquals("INTERNAL", Errors.of(Status.INTERNAL, new Metadata(), "").getMessage());
  }

  @Test
  void anErrorThatIsThrownAgainIsOfTheSameType() {
    HatdException error = refusal(info("hatd.v1", "HAT_REQUIRED"));
    HatdException again = error.again();
    assertNotSame(error, again);
    assertEquals(HatRequiredException.class, again.getClass());
    assertEquals(error.failure(), again.failure());
    assertEquals(ClosedException.class, new ClosedException("closed").again().getClass());
    WatchEndedException ended = new WatchEndedException(error);
    assertSame(error, ended.again().getCause());
  }

  @Test
  void anErrorCanBeSerialized() throws Exception {
    HatdException error = refusal(info("hatd.v1", "ROOM_NOT_FOUND"));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(error);
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      HatdException read = (HatdException) in.readObject();
      assertEquals(error.failure(), read.failure());
    }
  }
}
