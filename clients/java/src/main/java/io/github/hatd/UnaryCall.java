package io.github.hatd;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** One call with its attempts. */
final class UnaryCall<Q extends Message, P> {

  private final Connection connection;
  private final MethodDescriptor<Q, P> method;
  private final Q request;
  private final String requestId;
  private final Retries retries;
  private final CompletableFuture<P> answer = new CompletableFuture<>();
  private final Runnable close = this::close;

  private UnaryCall(
      Connection connection, MethodDescriptor<Q, P> method, Q request, Duration timeout) {
    this.connection = connection;
    this.method = method;
    this.request = withRequestId(request);
    this.requestId = requestId(this.request);
    this.retries =
        new Retries(
            timeout, connection.apiKey().renewable(), System.nanoTime(), new SplittableRandom());
  }

  /** Makes a call. Cancelling the future cancels it. */
  static <Q extends Message, P> CompletableFuture<P> start(
      Connection connection, MethodDescriptor<Q, P> method, Q request, Duration timeout) {
    UnaryCall<Q, P> call = new UnaryCall<>(connection, method, request, timeout);
    try {
      connection.enter(call.close);
    } catch (ClosedException closed) {
      return CompletableFuture.failedFuture(closed);
    }
    call.answer.whenComplete((response, error) -> connection.leave(call.close));
    call.attempt();
    return call.answer;
  }

  /** Whether a request is one to write: those, and no others, have a request id. */
  static boolean isWrite(Message request) {
    return requestIdField(request) != null;
  }

  /**
   * Gives a write a request id if it has none, before the first attempt, so that the attempts are
   * one write.
   */
  @SuppressWarnings("unchecked") // What a builder builds is of the type that the builder is from.
  private static <Q extends Message> Q withRequestId(Q request) {
    FieldDescriptor field = requestIdField(request);
    if (field == null || !requestId(request).isEmpty()) {
      return request;
    }
    return (Q) request.toBuilder().setField(field, UUID.randomUUID().toString()).build();
  }

  private static String requestId(Message request) {
    FieldDescriptor field = requestIdField(request);
    return field == null ? "" : (String) request.getField(field);
  }

  private static FieldDescriptor requestIdField(Message request) {
    return request.getDescriptorForType().findFieldByName("request_id");
  }

  private void attempt() {
    if (answer.isDone()) {
      return;
    }
    String key;
    try {
      key = connection.apiKey().current();
    } catch (HatdException error) {
      failed(Errors.of(error.failure().withRequestId(requestId)));
      return;
    }

    CallOptions options =
        CallOptions.DEFAULT.withDeadlineAfter(
            retries.remaining(System.nanoTime()), TimeUnit.NANOSECONDS);
    ClientCall<Q, P> call = connection.newCall(method, options);
    call.start(new Attempt(key), ApiKey.headers(key));
    // One more than there should be, so that a second response is noticed.
    call.request(2);
    call.sendMessage(request);
    call.halfClose();
    answer.whenComplete(
        (response, error) -> {
          if (error != null) {
            call.cancel("the caller does not wait for it", null);
          }
        });
  }

  private void failed(HatdException error) {
    if (connection.isClosed()) {
      close();
      return;
    }
    long delay;
    try {
      delay = retries.delay(error, System.nanoTime());
    } catch (HatdException last) {
      answer.completeExceptionally(last);
      return;
    }
    connection.schedule(this::attempt, delay);
  }

  private void close() {
    answer.completeExceptionally(new ClosedException("the client is closed", requestId));
  }

  private final class Attempt extends ClientCall.Listener<P> {

    private final String key;
    private P response;

    Attempt(String key) {
      this.key = key;
    }

    @Override
    public void onMessage(P message) {
      response = message;
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      if (status.isOk() && response != null) {
        answer.complete(response);
        return;
      }
      Status refusal =
          status.isOk() ? Status.INTERNAL.withDescription("the answer has no response") : status;
      if (refusal.getCode() == Status.Code.UNAUTHENTICATED) {
        connection.apiKey().refused(key);
      }
      failed(Errors.of(refusal, trailers, requestId));
    }
  }
}
