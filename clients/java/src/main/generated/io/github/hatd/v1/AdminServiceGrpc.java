package io.github.hatd.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * What the operator asks of a running hatd. hatctl is its client; programs that
 * keep hats need none of it.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class AdminServiceGrpc {

  private AdminServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "hatd.v1.AdminService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.GetStoreStatusRequest,
      io.github.hatd.v1.GetStoreStatusResponse> getGetStoreStatusMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetStoreStatus",
      requestType = io.github.hatd.v1.GetStoreStatusRequest.class,
      responseType = io.github.hatd.v1.GetStoreStatusResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.GetStoreStatusRequest,
      io.github.hatd.v1.GetStoreStatusResponse> getGetStoreStatusMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.GetStoreStatusRequest, io.github.hatd.v1.GetStoreStatusResponse> getGetStoreStatusMethod;
    if ((getGetStoreStatusMethod = AdminServiceGrpc.getGetStoreStatusMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getGetStoreStatusMethod = AdminServiceGrpc.getGetStoreStatusMethod) == null) {
          AdminServiceGrpc.getGetStoreStatusMethod = getGetStoreStatusMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.GetStoreStatusRequest, io.github.hatd.v1.GetStoreStatusResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetStoreStatus"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.GetStoreStatusRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.GetStoreStatusResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("GetStoreStatus"))
              .build();
        }
      }
    }
    return getGetStoreStatusMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.BackupRequest,
      io.github.hatd.v1.BackupResponse> getBackupMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Backup",
      requestType = io.github.hatd.v1.BackupRequest.class,
      responseType = io.github.hatd.v1.BackupResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.BackupRequest,
      io.github.hatd.v1.BackupResponse> getBackupMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.BackupRequest, io.github.hatd.v1.BackupResponse> getBackupMethod;
    if ((getBackupMethod = AdminServiceGrpc.getBackupMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getBackupMethod = AdminServiceGrpc.getBackupMethod) == null) {
          AdminServiceGrpc.getBackupMethod = getBackupMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.BackupRequest, io.github.hatd.v1.BackupResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Backup"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.BackupRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.BackupResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("Backup"))
              .build();
        }
      }
    }
    return getBackupMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.TakeCheckpointRequest,
      io.github.hatd.v1.TakeCheckpointResponse> getTakeCheckpointMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "TakeCheckpoint",
      requestType = io.github.hatd.v1.TakeCheckpointRequest.class,
      responseType = io.github.hatd.v1.TakeCheckpointResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.TakeCheckpointRequest,
      io.github.hatd.v1.TakeCheckpointResponse> getTakeCheckpointMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.TakeCheckpointRequest, io.github.hatd.v1.TakeCheckpointResponse> getTakeCheckpointMethod;
    if ((getTakeCheckpointMethod = AdminServiceGrpc.getTakeCheckpointMethod) == null) {
      synchronized (AdminServiceGrpc.class) {
        if ((getTakeCheckpointMethod = AdminServiceGrpc.getTakeCheckpointMethod) == null) {
          AdminServiceGrpc.getTakeCheckpointMethod = getTakeCheckpointMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.TakeCheckpointRequest, io.github.hatd.v1.TakeCheckpointResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "TakeCheckpoint"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.TakeCheckpointRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.TakeCheckpointResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AdminServiceMethodDescriptorSupplier("TakeCheckpoint"))
              .build();
        }
      }
    }
    return getTakeCheckpointMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static AdminServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AdminServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AdminServiceStub>() {
        @java.lang.Override
        public AdminServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AdminServiceStub(channel, callOptions);
        }
      };
    return AdminServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static AdminServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AdminServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AdminServiceBlockingV2Stub>() {
        @java.lang.Override
        public AdminServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AdminServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return AdminServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static AdminServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AdminServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AdminServiceBlockingStub>() {
        @java.lang.Override
        public AdminServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AdminServiceBlockingStub(channel, callOptions);
        }
      };
    return AdminServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static AdminServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AdminServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AdminServiceFutureStub>() {
        @java.lang.Override
        public AdminServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AdminServiceFutureStub(channel, callOptions);
        }
      };
    return AdminServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * What the operator asks of a running hatd. hatctl is its client; programs that
   * keep hats need none of it.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Says what the store holds, and whether it takes writes.
     * </pre>
     */
    default void getStoreStatus(io.github.hatd.v1.GetStoreStatusRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.GetStoreStatusResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetStoreStatusMethod(), responseObserver);
    }

    /**
     * <pre>
     * Sends the state at one position, for `hatd restore`. Writes go on meanwhile;
     * those that were answered before the call are in it.
     * </pre>
     */
    default void backup(io.github.hatd.v1.BackupRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.BackupResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getBackupMethod(), responseObserver);
    }

    /**
     * <pre>
     * Takes a checkpoint of all that was answered before the call, and deletes those
     * files of the commit log that nobody needs any more.
     * </pre>
     */
    default void takeCheckpoint(io.github.hatd.v1.TakeCheckpointRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.TakeCheckpointResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getTakeCheckpointMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service AdminService.
   * <pre>
   * What the operator asks of a running hatd. hatctl is its client; programs that
   * keep hats need none of it.
   * </pre>
   */
  public static abstract class AdminServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return AdminServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service AdminService.
   * <pre>
   * What the operator asks of a running hatd. hatctl is its client; programs that
   * keep hats need none of it.
   * </pre>
   */
  public static final class AdminServiceStub
      extends io.grpc.stub.AbstractAsyncStub<AdminServiceStub> {
    private AdminServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AdminServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AdminServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Says what the store holds, and whether it takes writes.
     * </pre>
     */
    public void getStoreStatus(io.github.hatd.v1.GetStoreStatusRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.GetStoreStatusResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetStoreStatusMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Sends the state at one position, for `hatd restore`. Writes go on meanwhile;
     * those that were answered before the call are in it.
     * </pre>
     */
    public void backup(io.github.hatd.v1.BackupRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.BackupResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getBackupMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Takes a checkpoint of all that was answered before the call, and deletes those
     * files of the commit log that nobody needs any more.
     * </pre>
     */
    public void takeCheckpoint(io.github.hatd.v1.TakeCheckpointRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.TakeCheckpointResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getTakeCheckpointMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service AdminService.
   * <pre>
   * What the operator asks of a running hatd. hatctl is its client; programs that
   * keep hats need none of it.
   * </pre>
   */
  public static final class AdminServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<AdminServiceBlockingV2Stub> {
    private AdminServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AdminServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AdminServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Says what the store holds, and whether it takes writes.
     * </pre>
     */
    public io.github.hatd.v1.GetStoreStatusResponse getStoreStatus(io.github.hatd.v1.GetStoreStatusRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetStoreStatusMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Sends the state at one position, for `hatd restore`. Writes go on meanwhile;
     * those that were answered before the call are in it.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.github.hatd.v1.BackupResponse>
        backup(io.github.hatd.v1.BackupRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getBackupMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Takes a checkpoint of all that was answered before the call, and deletes those
     * files of the commit log that nobody needs any more.
     * </pre>
     */
    public io.github.hatd.v1.TakeCheckpointResponse takeCheckpoint(io.github.hatd.v1.TakeCheckpointRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getTakeCheckpointMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service AdminService.
   * <pre>
   * What the operator asks of a running hatd. hatctl is its client; programs that
   * keep hats need none of it.
   * </pre>
   */
  public static final class AdminServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<AdminServiceBlockingStub> {
    private AdminServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AdminServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AdminServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Says what the store holds, and whether it takes writes.
     * </pre>
     */
    public io.github.hatd.v1.GetStoreStatusResponse getStoreStatus(io.github.hatd.v1.GetStoreStatusRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetStoreStatusMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Sends the state at one position, for `hatd restore`. Writes go on meanwhile;
     * those that were answered before the call are in it.
     * </pre>
     */
    public java.util.Iterator<io.github.hatd.v1.BackupResponse> backup(
        io.github.hatd.v1.BackupRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getBackupMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Takes a checkpoint of all that was answered before the call, and deletes those
     * files of the commit log that nobody needs any more.
     * </pre>
     */
    public io.github.hatd.v1.TakeCheckpointResponse takeCheckpoint(io.github.hatd.v1.TakeCheckpointRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getTakeCheckpointMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service AdminService.
   * <pre>
   * What the operator asks of a running hatd. hatctl is its client; programs that
   * keep hats need none of it.
   * </pre>
   */
  public static final class AdminServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<AdminServiceFutureStub> {
    private AdminServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AdminServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AdminServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Says what the store holds, and whether it takes writes.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.GetStoreStatusResponse> getStoreStatus(
        io.github.hatd.v1.GetStoreStatusRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetStoreStatusMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Takes a checkpoint of all that was answered before the call, and deletes those
     * files of the commit log that nobody needs any more.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.TakeCheckpointResponse> takeCheckpoint(
        io.github.hatd.v1.TakeCheckpointRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getTakeCheckpointMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_GET_STORE_STATUS = 0;
  private static final int METHODID_BACKUP = 1;
  private static final int METHODID_TAKE_CHECKPOINT = 2;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_GET_STORE_STATUS:
          serviceImpl.getStoreStatus((io.github.hatd.v1.GetStoreStatusRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.GetStoreStatusResponse>) responseObserver);
          break;
        case METHODID_BACKUP:
          serviceImpl.backup((io.github.hatd.v1.BackupRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.BackupResponse>) responseObserver);
          break;
        case METHODID_TAKE_CHECKPOINT:
          serviceImpl.takeCheckpoint((io.github.hatd.v1.TakeCheckpointRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.TakeCheckpointResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getGetStoreStatusMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.GetStoreStatusRequest,
              io.github.hatd.v1.GetStoreStatusResponse>(
                service, METHODID_GET_STORE_STATUS)))
        .addMethod(
          getBackupMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.github.hatd.v1.BackupRequest,
              io.github.hatd.v1.BackupResponse>(
                service, METHODID_BACKUP)))
        .addMethod(
          getTakeCheckpointMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.TakeCheckpointRequest,
              io.github.hatd.v1.TakeCheckpointResponse>(
                service, METHODID_TAKE_CHECKPOINT)))
        .build();
  }

  private static abstract class AdminServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    AdminServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.github.hatd.v1.AdminServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("AdminService");
    }
  }

  private static final class AdminServiceFileDescriptorSupplier
      extends AdminServiceBaseDescriptorSupplier {
    AdminServiceFileDescriptorSupplier() {}
  }

  private static final class AdminServiceMethodDescriptorSupplier
      extends AdminServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    AdminServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (AdminServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new AdminServiceFileDescriptorSupplier())
              .addMethod(getGetStoreStatusMethod())
              .addMethod(getBackupMethod())
              .addMethod(getTakeCheckpointMethod())
              .build();
        }
      }
    }
    return result;
  }
}
