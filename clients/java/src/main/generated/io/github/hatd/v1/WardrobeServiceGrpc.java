package io.github.hatd.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * What users may do to their own hats. The calling program vouches for the user.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class WardrobeServiceGrpc {

  private WardrobeServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "hatd.v1.WardrobeService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.WearHatRequest,
      io.github.hatd.v1.WearHatResponse> getWearHatMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WearHat",
      requestType = io.github.hatd.v1.WearHatRequest.class,
      responseType = io.github.hatd.v1.WearHatResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.WearHatRequest,
      io.github.hatd.v1.WearHatResponse> getWearHatMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.WearHatRequest, io.github.hatd.v1.WearHatResponse> getWearHatMethod;
    if ((getWearHatMethod = WardrobeServiceGrpc.getWearHatMethod) == null) {
      synchronized (WardrobeServiceGrpc.class) {
        if ((getWearHatMethod = WardrobeServiceGrpc.getWearHatMethod) == null) {
          WardrobeServiceGrpc.getWearHatMethod = getWearHatMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.WearHatRequest, io.github.hatd.v1.WearHatResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WearHat"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.WearHatRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.WearHatResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WardrobeServiceMethodDescriptorSupplier("WearHat"))
              .build();
        }
      }
    }
    return getWearHatMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.DoffHatRequest,
      io.github.hatd.v1.DoffHatResponse> getDoffHatMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DoffHat",
      requestType = io.github.hatd.v1.DoffHatRequest.class,
      responseType = io.github.hatd.v1.DoffHatResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.DoffHatRequest,
      io.github.hatd.v1.DoffHatResponse> getDoffHatMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.DoffHatRequest, io.github.hatd.v1.DoffHatResponse> getDoffHatMethod;
    if ((getDoffHatMethod = WardrobeServiceGrpc.getDoffHatMethod) == null) {
      synchronized (WardrobeServiceGrpc.class) {
        if ((getDoffHatMethod = WardrobeServiceGrpc.getDoffHatMethod) == null) {
          WardrobeServiceGrpc.getDoffHatMethod = getDoffHatMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.DoffHatRequest, io.github.hatd.v1.DoffHatResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DoffHat"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.DoffHatRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.DoffHatResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WardrobeServiceMethodDescriptorSupplier("DoffHat"))
              .build();
        }
      }
    }
    return getDoffHatMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.ClaimHatRequest,
      io.github.hatd.v1.ClaimHatResponse> getClaimHatMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ClaimHat",
      requestType = io.github.hatd.v1.ClaimHatRequest.class,
      responseType = io.github.hatd.v1.ClaimHatResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.ClaimHatRequest,
      io.github.hatd.v1.ClaimHatResponse> getClaimHatMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.ClaimHatRequest, io.github.hatd.v1.ClaimHatResponse> getClaimHatMethod;
    if ((getClaimHatMethod = WardrobeServiceGrpc.getClaimHatMethod) == null) {
      synchronized (WardrobeServiceGrpc.class) {
        if ((getClaimHatMethod = WardrobeServiceGrpc.getClaimHatMethod) == null) {
          WardrobeServiceGrpc.getClaimHatMethod = getClaimHatMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.ClaimHatRequest, io.github.hatd.v1.ClaimHatResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ClaimHat"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.ClaimHatRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.ClaimHatResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WardrobeServiceMethodDescriptorSupplier("ClaimHat"))
              .build();
        }
      }
    }
    return getClaimHatMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.DiscardHatRequest,
      io.github.hatd.v1.DiscardHatResponse> getDiscardHatMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DiscardHat",
      requestType = io.github.hatd.v1.DiscardHatRequest.class,
      responseType = io.github.hatd.v1.DiscardHatResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.DiscardHatRequest,
      io.github.hatd.v1.DiscardHatResponse> getDiscardHatMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.DiscardHatRequest, io.github.hatd.v1.DiscardHatResponse> getDiscardHatMethod;
    if ((getDiscardHatMethod = WardrobeServiceGrpc.getDiscardHatMethod) == null) {
      synchronized (WardrobeServiceGrpc.class) {
        if ((getDiscardHatMethod = WardrobeServiceGrpc.getDiscardHatMethod) == null) {
          WardrobeServiceGrpc.getDiscardHatMethod = getDiscardHatMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.DiscardHatRequest, io.github.hatd.v1.DiscardHatResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DiscardHat"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.DiscardHatRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.DiscardHatResponse.getDefaultInstance()))
              .setSchemaDescriptor(new WardrobeServiceMethodDescriptorSupplier("DiscardHat"))
              .build();
        }
      }
    }
    return getDiscardHatMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static WardrobeServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<WardrobeServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<WardrobeServiceStub>() {
        @java.lang.Override
        public WardrobeServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new WardrobeServiceStub(channel, callOptions);
        }
      };
    return WardrobeServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static WardrobeServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<WardrobeServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<WardrobeServiceBlockingV2Stub>() {
        @java.lang.Override
        public WardrobeServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new WardrobeServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return WardrobeServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static WardrobeServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<WardrobeServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<WardrobeServiceBlockingStub>() {
        @java.lang.Override
        public WardrobeServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new WardrobeServiceBlockingStub(channel, callOptions);
        }
      };
    return WardrobeServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static WardrobeServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<WardrobeServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<WardrobeServiceFutureStub>() {
        @java.lang.Override
        public WardrobeServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new WardrobeServiceFutureStub(channel, callOptions);
        }
      };
    return WardrobeServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * What users may do to their own hats. The calling program vouches for the user.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Wears a hat that the user has: sets `active`.
     * </pre>
     */
    default void wearHat(io.github.hatd.v1.WearHatRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.WearHatResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWearHatMethod(), responseObserver);
    }

    /**
     * <pre>
     * Takes off a hat that the user has: clears `active`. Not if it is required.
     * </pre>
     */
    default void doffHat(io.github.hatd.v1.DoffHatRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.DoffHatResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDoffHatMethod(), responseObserver);
    }

    /**
     * <pre>
     * Takes a hat whose definition is self-assignable, and wears it. A hat that the
     * user has already is unchanged.
     * </pre>
     */
    default void claimHat(io.github.hatd.v1.ClaimHatRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.ClaimHatResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getClaimHatMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gives up a hat that the user has. Not if it is required.
     * </pre>
     */
    default void discardHat(io.github.hatd.v1.DiscardHatRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.DiscardHatResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDiscardHatMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service WardrobeService.
   * <pre>
   * What users may do to their own hats. The calling program vouches for the user.
   * </pre>
   */
  public static abstract class WardrobeServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return WardrobeServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service WardrobeService.
   * <pre>
   * What users may do to their own hats. The calling program vouches for the user.
   * </pre>
   */
  public static final class WardrobeServiceStub
      extends io.grpc.stub.AbstractAsyncStub<WardrobeServiceStub> {
    private WardrobeServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected WardrobeServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new WardrobeServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Wears a hat that the user has: sets `active`.
     * </pre>
     */
    public void wearHat(io.github.hatd.v1.WearHatRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.WearHatResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getWearHatMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Takes off a hat that the user has: clears `active`. Not if it is required.
     * </pre>
     */
    public void doffHat(io.github.hatd.v1.DoffHatRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.DoffHatResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDoffHatMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Takes a hat whose definition is self-assignable, and wears it. A hat that the
     * user has already is unchanged.
     * </pre>
     */
    public void claimHat(io.github.hatd.v1.ClaimHatRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.ClaimHatResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getClaimHatMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Gives up a hat that the user has. Not if it is required.
     * </pre>
     */
    public void discardHat(io.github.hatd.v1.DiscardHatRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.DiscardHatResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDiscardHatMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service WardrobeService.
   * <pre>
   * What users may do to their own hats. The calling program vouches for the user.
   * </pre>
   */
  public static final class WardrobeServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<WardrobeServiceBlockingV2Stub> {
    private WardrobeServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected WardrobeServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new WardrobeServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Wears a hat that the user has: sets `active`.
     * </pre>
     */
    public io.github.hatd.v1.WearHatResponse wearHat(io.github.hatd.v1.WearHatRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getWearHatMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Takes off a hat that the user has: clears `active`. Not if it is required.
     * </pre>
     */
    public io.github.hatd.v1.DoffHatResponse doffHat(io.github.hatd.v1.DoffHatRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDoffHatMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Takes a hat whose definition is self-assignable, and wears it. A hat that the
     * user has already is unchanged.
     * </pre>
     */
    public io.github.hatd.v1.ClaimHatResponse claimHat(io.github.hatd.v1.ClaimHatRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getClaimHatMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gives up a hat that the user has. Not if it is required.
     * </pre>
     */
    public io.github.hatd.v1.DiscardHatResponse discardHat(io.github.hatd.v1.DiscardHatRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDiscardHatMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service WardrobeService.
   * <pre>
   * What users may do to their own hats. The calling program vouches for the user.
   * </pre>
   */
  public static final class WardrobeServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<WardrobeServiceBlockingStub> {
    private WardrobeServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected WardrobeServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new WardrobeServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Wears a hat that the user has: sets `active`.
     * </pre>
     */
    public io.github.hatd.v1.WearHatResponse wearHat(io.github.hatd.v1.WearHatRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getWearHatMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Takes off a hat that the user has: clears `active`. Not if it is required.
     * </pre>
     */
    public io.github.hatd.v1.DoffHatResponse doffHat(io.github.hatd.v1.DoffHatRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDoffHatMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Takes a hat whose definition is self-assignable, and wears it. A hat that the
     * user has already is unchanged.
     * </pre>
     */
    public io.github.hatd.v1.ClaimHatResponse claimHat(io.github.hatd.v1.ClaimHatRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getClaimHatMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gives up a hat that the user has. Not if it is required.
     * </pre>
     */
    public io.github.hatd.v1.DiscardHatResponse discardHat(io.github.hatd.v1.DiscardHatRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDiscardHatMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service WardrobeService.
   * <pre>
   * What users may do to their own hats. The calling program vouches for the user.
   * </pre>
   */
  public static final class WardrobeServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<WardrobeServiceFutureStub> {
    private WardrobeServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected WardrobeServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new WardrobeServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Wears a hat that the user has: sets `active`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.WearHatResponse> wearHat(
        io.github.hatd.v1.WearHatRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getWearHatMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Takes off a hat that the user has: clears `active`. Not if it is required.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.DoffHatResponse> doffHat(
        io.github.hatd.v1.DoffHatRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDoffHatMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Takes a hat whose definition is self-assignable, and wears it. A hat that the
     * user has already is unchanged.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.ClaimHatResponse> claimHat(
        io.github.hatd.v1.ClaimHatRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getClaimHatMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gives up a hat that the user has. Not if it is required.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.DiscardHatResponse> discardHat(
        io.github.hatd.v1.DiscardHatRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDiscardHatMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_WEAR_HAT = 0;
  private static final int METHODID_DOFF_HAT = 1;
  private static final int METHODID_CLAIM_HAT = 2;
  private static final int METHODID_DISCARD_HAT = 3;

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
        case METHODID_WEAR_HAT:
          serviceImpl.wearHat((io.github.hatd.v1.WearHatRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.WearHatResponse>) responseObserver);
          break;
        case METHODID_DOFF_HAT:
          serviceImpl.doffHat((io.github.hatd.v1.DoffHatRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.DoffHatResponse>) responseObserver);
          break;
        case METHODID_CLAIM_HAT:
          serviceImpl.claimHat((io.github.hatd.v1.ClaimHatRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.ClaimHatResponse>) responseObserver);
          break;
        case METHODID_DISCARD_HAT:
          serviceImpl.discardHat((io.github.hatd.v1.DiscardHatRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.DiscardHatResponse>) responseObserver);
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
          getWearHatMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.WearHatRequest,
              io.github.hatd.v1.WearHatResponse>(
                service, METHODID_WEAR_HAT)))
        .addMethod(
          getDoffHatMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.DoffHatRequest,
              io.github.hatd.v1.DoffHatResponse>(
                service, METHODID_DOFF_HAT)))
        .addMethod(
          getClaimHatMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.ClaimHatRequest,
              io.github.hatd.v1.ClaimHatResponse>(
                service, METHODID_CLAIM_HAT)))
        .addMethod(
          getDiscardHatMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.DiscardHatRequest,
              io.github.hatd.v1.DiscardHatResponse>(
                service, METHODID_DISCARD_HAT)))
        .build();
  }

  private static abstract class WardrobeServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    WardrobeServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.github.hatd.v1.WardrobeServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("WardrobeService");
    }
  }

  private static final class WardrobeServiceFileDescriptorSupplier
      extends WardrobeServiceBaseDescriptorSupplier {
    WardrobeServiceFileDescriptorSupplier() {}
  }

  private static final class WardrobeServiceMethodDescriptorSupplier
      extends WardrobeServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    WardrobeServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (WardrobeServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new WardrobeServiceFileDescriptorSupplier())
              .addMethod(getWearHatMethod())
              .addMethod(getDoffHatMethod())
              .addMethod(getClaimHatMethod())
              .addMethod(getDiscardHatMethod())
              .build();
        }
      }
    }
    return result;
  }
}
