package io.github.hatd;

import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import io.github.hatd.v1.AddUserHatRequest;
import io.github.hatd.v1.AddUserHatResponse;
import io.github.hatd.v1.HatServiceGrpc;
import io.github.hatd.v1.ListRoomHatsRequest;
import io.github.hatd.v1.ListRoomHatsResponse;
import io.github.hatd.v1.WatchHatsRequest;
import io.github.hatd.v1.WatchHatsResponse;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerCredentials;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;

/** A server that answers as a test says. */
final class FakeHatd extends HatServiceGrpc.HatServiceImplBase implements AutoCloseable {

  final List<AddUserHatRequest> added = new CopyOnWriteArrayList<>();
  final List<WatchHatsRequest> watched = new CopyOnWriteArrayList<>();
  final List<Metadata> headers = new CopyOnWriteArrayList<>();

  volatile BiConsumer<Integer, StreamObserver<AddUserHatResponse>> onAdd = (call, answer) -> {};
  volatile BiConsumer<ListRoomHatsRequest, StreamObserver<ListRoomHatsResponse>> onList =
      (request, answer) -> {};
  volatile BiConsumer<Integer, StreamObserver<WatchHatsResponse>> onWatch = (call, answer) -> {};

  private final Server server;

  FakeHatd() throws IOException {
    this(0);
  }

  FakeHatd(int port) throws IOException {
    this(port, InsecureServerCredentials.create());
  }

  FakeHatd(int port, ServerCredentials credentials) throws IOException {
    InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    server =
        NettyServerBuilder.forAddress(address, credentials)
            .directExecutor()
            .addService(this)
            .intercept(
                new ServerInterceptor() {
                  @Override
                  public <Q, P> ServerCall.Listener<Q> interceptCall(
                      ServerCall<Q, P> call, Metadata sent, ServerCallHandler<Q, P> next) {
                    headers.add(sent);
                    return next.startCall(call, sent);
                  }
                })
            .build()
            .start();
  }

  int port() {
    return server.getPort();
  }

  String target() {
    return "http://127.0.0.1:" + port();
  }

  String header(int call, String name) {
    return headers.get(call).get(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER));
  }

  static StatusRuntimeException refusal(Status.Code code, String reason) {
    com.google.rpc.Status details =
        com.google.rpc.Status.newBuilder()
            .setCode(code.value())
            .addDetails(
                Any.pack(ErrorInfo.newBuilder().setDomain("hatd.v1").setReason(reason).build()))
            .build();
    Metadata trailers = new Metadata();
    trailers.put(Errors.DETAILS, details.toByteArray());
    return code.toStatus().withDescription("no").asRuntimeException(trailers);
  }

  static <T> void answer(StreamObserver<T> observer, T response) {
    observer.onNext(response);
    observer.onCompleted();
  }

  @Override
  public void addUserHat(AddUserHatRequest request, StreamObserver<AddUserHatResponse> answer) {
    added.add(request);
    onAdd.accept(added.size(), answer);
  }

  @Override
  public void listRoomHats(
      ListRoomHatsRequest request, StreamObserver<ListRoomHatsResponse> answer) {
    onList.accept(request, answer);
  }

  @Override
  public void watchHats(WatchHatsRequest request, StreamObserver<WatchHatsResponse> answer) {
    watched.add(request);
    onWatch.accept(watched.size(), answer);
  }

  @Override
  public void close() {
    server.shutdownNow();
    try {
      server.awaitTermination();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
