package io.github.hatd.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Which rooms exist and who belongs to them. It records: nothing here changes
 * anything in the chat server, whose plugin keeps these records current.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class RoomServiceGrpc {

  private RoomServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "hatd.v1.RoomService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.PutRoomRequest,
      io.github.hatd.v1.PutRoomResponse> getPutRoomMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "PutRoom",
      requestType = io.github.hatd.v1.PutRoomRequest.class,
      responseType = io.github.hatd.v1.PutRoomResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.PutRoomRequest,
      io.github.hatd.v1.PutRoomResponse> getPutRoomMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.PutRoomRequest, io.github.hatd.v1.PutRoomResponse> getPutRoomMethod;
    if ((getPutRoomMethod = RoomServiceGrpc.getPutRoomMethod) == null) {
      synchronized (RoomServiceGrpc.class) {
        if ((getPutRoomMethod = RoomServiceGrpc.getPutRoomMethod) == null) {
          RoomServiceGrpc.getPutRoomMethod = getPutRoomMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.PutRoomRequest, io.github.hatd.v1.PutRoomResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "PutRoom"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.PutRoomRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.PutRoomResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RoomServiceMethodDescriptorSupplier("PutRoom"))
              .build();
        }
      }
    }
    return getPutRoomMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.GetRoomRequest,
      io.github.hatd.v1.GetRoomResponse> getGetRoomMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetRoom",
      requestType = io.github.hatd.v1.GetRoomRequest.class,
      responseType = io.github.hatd.v1.GetRoomResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.GetRoomRequest,
      io.github.hatd.v1.GetRoomResponse> getGetRoomMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.GetRoomRequest, io.github.hatd.v1.GetRoomResponse> getGetRoomMethod;
    if ((getGetRoomMethod = RoomServiceGrpc.getGetRoomMethod) == null) {
      synchronized (RoomServiceGrpc.class) {
        if ((getGetRoomMethod = RoomServiceGrpc.getGetRoomMethod) == null) {
          RoomServiceGrpc.getGetRoomMethod = getGetRoomMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.GetRoomRequest, io.github.hatd.v1.GetRoomResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetRoom"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.GetRoomRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.GetRoomResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RoomServiceMethodDescriptorSupplier("GetRoom"))
              .build();
        }
      }
    }
    return getGetRoomMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.ListRoomsRequest,
      io.github.hatd.v1.ListRoomsResponse> getListRoomsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListRooms",
      requestType = io.github.hatd.v1.ListRoomsRequest.class,
      responseType = io.github.hatd.v1.ListRoomsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.ListRoomsRequest,
      io.github.hatd.v1.ListRoomsResponse> getListRoomsMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.ListRoomsRequest, io.github.hatd.v1.ListRoomsResponse> getListRoomsMethod;
    if ((getListRoomsMethod = RoomServiceGrpc.getListRoomsMethod) == null) {
      synchronized (RoomServiceGrpc.class) {
        if ((getListRoomsMethod = RoomServiceGrpc.getListRoomsMethod) == null) {
          RoomServiceGrpc.getListRoomsMethod = getListRoomsMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.ListRoomsRequest, io.github.hatd.v1.ListRoomsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListRooms"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.ListRoomsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.ListRoomsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RoomServiceMethodDescriptorSupplier("ListRooms"))
              .build();
        }
      }
    }
    return getListRoomsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.DeleteRoomRequest,
      io.github.hatd.v1.DeleteRoomResponse> getDeleteRoomMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteRoom",
      requestType = io.github.hatd.v1.DeleteRoomRequest.class,
      responseType = io.github.hatd.v1.DeleteRoomResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.DeleteRoomRequest,
      io.github.hatd.v1.DeleteRoomResponse> getDeleteRoomMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.DeleteRoomRequest, io.github.hatd.v1.DeleteRoomResponse> getDeleteRoomMethod;
    if ((getDeleteRoomMethod = RoomServiceGrpc.getDeleteRoomMethod) == null) {
      synchronized (RoomServiceGrpc.class) {
        if ((getDeleteRoomMethod = RoomServiceGrpc.getDeleteRoomMethod) == null) {
          RoomServiceGrpc.getDeleteRoomMethod = getDeleteRoomMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.DeleteRoomRequest, io.github.hatd.v1.DeleteRoomResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteRoom"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.DeleteRoomRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.DeleteRoomResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RoomServiceMethodDescriptorSupplier("DeleteRoom"))
              .build();
        }
      }
    }
    return getDeleteRoomMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.SetAffiliationRequest,
      io.github.hatd.v1.SetAffiliationResponse> getSetAffiliationMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SetAffiliation",
      requestType = io.github.hatd.v1.SetAffiliationRequest.class,
      responseType = io.github.hatd.v1.SetAffiliationResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.SetAffiliationRequest,
      io.github.hatd.v1.SetAffiliationResponse> getSetAffiliationMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.SetAffiliationRequest, io.github.hatd.v1.SetAffiliationResponse> getSetAffiliationMethod;
    if ((getSetAffiliationMethod = RoomServiceGrpc.getSetAffiliationMethod) == null) {
      synchronized (RoomServiceGrpc.class) {
        if ((getSetAffiliationMethod = RoomServiceGrpc.getSetAffiliationMethod) == null) {
          RoomServiceGrpc.getSetAffiliationMethod = getSetAffiliationMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.SetAffiliationRequest, io.github.hatd.v1.SetAffiliationResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SetAffiliation"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.SetAffiliationRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.SetAffiliationResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RoomServiceMethodDescriptorSupplier("SetAffiliation"))
              .build();
        }
      }
    }
    return getSetAffiliationMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.ListAffiliationsRequest,
      io.github.hatd.v1.ListAffiliationsResponse> getListAffiliationsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListAffiliations",
      requestType = io.github.hatd.v1.ListAffiliationsRequest.class,
      responseType = io.github.hatd.v1.ListAffiliationsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.ListAffiliationsRequest,
      io.github.hatd.v1.ListAffiliationsResponse> getListAffiliationsMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.ListAffiliationsRequest, io.github.hatd.v1.ListAffiliationsResponse> getListAffiliationsMethod;
    if ((getListAffiliationsMethod = RoomServiceGrpc.getListAffiliationsMethod) == null) {
      synchronized (RoomServiceGrpc.class) {
        if ((getListAffiliationsMethod = RoomServiceGrpc.getListAffiliationsMethod) == null) {
          RoomServiceGrpc.getListAffiliationsMethod = getListAffiliationsMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.ListAffiliationsRequest, io.github.hatd.v1.ListAffiliationsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListAffiliations"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.ListAffiliationsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.ListAffiliationsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RoomServiceMethodDescriptorSupplier("ListAffiliations"))
              .build();
        }
      }
    }
    return getListAffiliationsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.SyncRoomsRequest,
      io.github.hatd.v1.SyncRoomsResponse> getSyncRoomsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SyncRooms",
      requestType = io.github.hatd.v1.SyncRoomsRequest.class,
      responseType = io.github.hatd.v1.SyncRoomsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.SyncRoomsRequest,
      io.github.hatd.v1.SyncRoomsResponse> getSyncRoomsMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.SyncRoomsRequest, io.github.hatd.v1.SyncRoomsResponse> getSyncRoomsMethod;
    if ((getSyncRoomsMethod = RoomServiceGrpc.getSyncRoomsMethod) == null) {
      synchronized (RoomServiceGrpc.class) {
        if ((getSyncRoomsMethod = RoomServiceGrpc.getSyncRoomsMethod) == null) {
          RoomServiceGrpc.getSyncRoomsMethod = getSyncRoomsMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.SyncRoomsRequest, io.github.hatd.v1.SyncRoomsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SyncRooms"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.SyncRoomsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.SyncRoomsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RoomServiceMethodDescriptorSupplier("SyncRooms"))
              .build();
        }
      }
    }
    return getSyncRoomsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.ForgetUserRequest,
      io.github.hatd.v1.ForgetUserResponse> getForgetUserMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ForgetUser",
      requestType = io.github.hatd.v1.ForgetUserRequest.class,
      responseType = io.github.hatd.v1.ForgetUserResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.ForgetUserRequest,
      io.github.hatd.v1.ForgetUserResponse> getForgetUserMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.ForgetUserRequest, io.github.hatd.v1.ForgetUserResponse> getForgetUserMethod;
    if ((getForgetUserMethod = RoomServiceGrpc.getForgetUserMethod) == null) {
      synchronized (RoomServiceGrpc.class) {
        if ((getForgetUserMethod = RoomServiceGrpc.getForgetUserMethod) == null) {
          RoomServiceGrpc.getForgetUserMethod = getForgetUserMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.ForgetUserRequest, io.github.hatd.v1.ForgetUserResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ForgetUser"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.ForgetUserRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.ForgetUserResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RoomServiceMethodDescriptorSupplier("ForgetUser"))
              .build();
        }
      }
    }
    return getForgetUserMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static RoomServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<RoomServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<RoomServiceStub>() {
        @java.lang.Override
        public RoomServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new RoomServiceStub(channel, callOptions);
        }
      };
    return RoomServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static RoomServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<RoomServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<RoomServiceBlockingV2Stub>() {
        @java.lang.Override
        public RoomServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new RoomServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return RoomServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static RoomServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<RoomServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<RoomServiceBlockingStub>() {
        @java.lang.Override
        public RoomServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new RoomServiceBlockingStub(channel, callOptions);
        }
      };
    return RoomServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static RoomServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<RoomServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<RoomServiceFutureStub>() {
        @java.lang.Override
        public RoomServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new RoomServiceFutureStub(channel, callOptions);
        }
      };
    return RoomServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Which rooms exist and who belongs to them. It records: nothing here changes
   * anything in the chat server, whose plugin keeps these records current.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Creates a room, or changes its settings.
     * </pre>
     */
    default void putRoom(io.github.hatd.v1.PutRoomRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.PutRoomResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getPutRoomMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reads a room.
     * </pre>
     */
    default void getRoom(io.github.hatd.v1.GetRoomRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.GetRoomResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetRoomMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists rooms, by domain and then local part.
     * </pre>
     */
    default void listRooms(io.github.hatd.v1.ListRoomsRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.ListRoomsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListRoomsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes a room, its catalogue and all its documents, in one commit.
     * </pre>
     */
    default void deleteRoom(io.github.hatd.v1.DeleteRoomRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.DeleteRoomResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteRoomMethod(), responseObserver);
    }

    /**
     * <pre>
     * Sets what a user is to a room. OUTCAST takes the user's hats away for good,
     * as does NONE in a room for the affiliated.
     * </pre>
     */
    default void setAffiliation(io.github.hatd.v1.SetAffiliationRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.SetAffiliationResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSetAffiliationMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the affiliations of a room other than NONE, by user JID.
     * </pre>
     */
    default void listAffiliations(io.github.hatd.v1.ListAffiliationsRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.ListAffiliationsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListAffiliationsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Brings rooms and their affiliations up to date in bulk. One entry is one
     * commit; rooms not named stay.
     * </pre>
     */
    default void syncRooms(io.github.hatd.v1.SyncRoomsRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.SyncRoomsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSyncRoomsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Removes a user from every room, one commit a room: for a deleted account,
     * before its JID is given to anyone else. Resumed by calling again.
     * </pre>
     */
    default void forgetUser(io.github.hatd.v1.ForgetUserRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.ForgetUserResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getForgetUserMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service RoomService.
   * <pre>
   * Which rooms exist and who belongs to them. It records: nothing here changes
   * anything in the chat server, whose plugin keeps these records current.
   * </pre>
   */
  public static abstract class RoomServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return RoomServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service RoomService.
   * <pre>
   * Which rooms exist and who belongs to them. It records: nothing here changes
   * anything in the chat server, whose plugin keeps these records current.
   * </pre>
   */
  public static final class RoomServiceStub
      extends io.grpc.stub.AbstractAsyncStub<RoomServiceStub> {
    private RoomServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected RoomServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new RoomServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a room, or changes its settings.
     * </pre>
     */
    public void putRoom(io.github.hatd.v1.PutRoomRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.PutRoomResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getPutRoomMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reads a room.
     * </pre>
     */
    public void getRoom(io.github.hatd.v1.GetRoomRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.GetRoomResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetRoomMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists rooms, by domain and then local part.
     * </pre>
     */
    public void listRooms(io.github.hatd.v1.ListRoomsRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.ListRoomsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListRoomsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes a room, its catalogue and all its documents, in one commit.
     * </pre>
     */
    public void deleteRoom(io.github.hatd.v1.DeleteRoomRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.DeleteRoomResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteRoomMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Sets what a user is to a room. OUTCAST takes the user's hats away for good,
     * as does NONE in a room for the affiliated.
     * </pre>
     */
    public void setAffiliation(io.github.hatd.v1.SetAffiliationRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.SetAffiliationResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSetAffiliationMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the affiliations of a room other than NONE, by user JID.
     * </pre>
     */
    public void listAffiliations(io.github.hatd.v1.ListAffiliationsRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.ListAffiliationsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListAffiliationsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Brings rooms and their affiliations up to date in bulk. One entry is one
     * commit; rooms not named stay.
     * </pre>
     */
    public void syncRooms(io.github.hatd.v1.SyncRoomsRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.SyncRoomsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSyncRoomsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Removes a user from every room, one commit a room: for a deleted account,
     * before its JID is given to anyone else. Resumed by calling again.
     * </pre>
     */
    public void forgetUser(io.github.hatd.v1.ForgetUserRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.ForgetUserResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getForgetUserMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service RoomService.
   * <pre>
   * Which rooms exist and who belongs to them. It records: nothing here changes
   * anything in the chat server, whose plugin keeps these records current.
   * </pre>
   */
  public static final class RoomServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<RoomServiceBlockingV2Stub> {
    private RoomServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected RoomServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new RoomServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a room, or changes its settings.
     * </pre>
     */
    public io.github.hatd.v1.PutRoomResponse putRoom(io.github.hatd.v1.PutRoomRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getPutRoomMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads a room.
     * </pre>
     */
    public io.github.hatd.v1.GetRoomResponse getRoom(io.github.hatd.v1.GetRoomRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetRoomMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists rooms, by domain and then local part.
     * </pre>
     */
    public io.github.hatd.v1.ListRoomsResponse listRooms(io.github.hatd.v1.ListRoomsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListRoomsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a room, its catalogue and all its documents, in one commit.
     * </pre>
     */
    public io.github.hatd.v1.DeleteRoomResponse deleteRoom(io.github.hatd.v1.DeleteRoomRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteRoomMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Sets what a user is to a room. OUTCAST takes the user's hats away for good,
     * as does NONE in a room for the affiliated.
     * </pre>
     */
    public io.github.hatd.v1.SetAffiliationResponse setAffiliation(io.github.hatd.v1.SetAffiliationRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSetAffiliationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the affiliations of a room other than NONE, by user JID.
     * </pre>
     */
    public io.github.hatd.v1.ListAffiliationsResponse listAffiliations(io.github.hatd.v1.ListAffiliationsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListAffiliationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Brings rooms and their affiliations up to date in bulk. One entry is one
     * commit; rooms not named stay.
     * </pre>
     */
    public io.github.hatd.v1.SyncRoomsResponse syncRooms(io.github.hatd.v1.SyncRoomsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSyncRoomsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Removes a user from every room, one commit a room: for a deleted account,
     * before its JID is given to anyone else. Resumed by calling again.
     * </pre>
     */
    public io.github.hatd.v1.ForgetUserResponse forgetUser(io.github.hatd.v1.ForgetUserRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getForgetUserMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service RoomService.
   * <pre>
   * Which rooms exist and who belongs to them. It records: nothing here changes
   * anything in the chat server, whose plugin keeps these records current.
   * </pre>
   */
  public static final class RoomServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<RoomServiceBlockingStub> {
    private RoomServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected RoomServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new RoomServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a room, or changes its settings.
     * </pre>
     */
    public io.github.hatd.v1.PutRoomResponse putRoom(io.github.hatd.v1.PutRoomRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getPutRoomMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads a room.
     * </pre>
     */
    public io.github.hatd.v1.GetRoomResponse getRoom(io.github.hatd.v1.GetRoomRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetRoomMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists rooms, by domain and then local part.
     * </pre>
     */
    public io.github.hatd.v1.ListRoomsResponse listRooms(io.github.hatd.v1.ListRoomsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListRoomsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a room, its catalogue and all its documents, in one commit.
     * </pre>
     */
    public io.github.hatd.v1.DeleteRoomResponse deleteRoom(io.github.hatd.v1.DeleteRoomRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteRoomMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Sets what a user is to a room. OUTCAST takes the user's hats away for good,
     * as does NONE in a room for the affiliated.
     * </pre>
     */
    public io.github.hatd.v1.SetAffiliationResponse setAffiliation(io.github.hatd.v1.SetAffiliationRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSetAffiliationMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the affiliations of a room other than NONE, by user JID.
     * </pre>
     */
    public io.github.hatd.v1.ListAffiliationsResponse listAffiliations(io.github.hatd.v1.ListAffiliationsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListAffiliationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Brings rooms and their affiliations up to date in bulk. One entry is one
     * commit; rooms not named stay.
     * </pre>
     */
    public io.github.hatd.v1.SyncRoomsResponse syncRooms(io.github.hatd.v1.SyncRoomsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSyncRoomsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Removes a user from every room, one commit a room: for a deleted account,
     * before its JID is given to anyone else. Resumed by calling again.
     * </pre>
     */
    public io.github.hatd.v1.ForgetUserResponse forgetUser(io.github.hatd.v1.ForgetUserRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getForgetUserMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service RoomService.
   * <pre>
   * Which rooms exist and who belongs to them. It records: nothing here changes
   * anything in the chat server, whose plugin keeps these records current.
   * </pre>
   */
  public static final class RoomServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<RoomServiceFutureStub> {
    private RoomServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected RoomServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new RoomServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a room, or changes its settings.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.PutRoomResponse> putRoom(
        io.github.hatd.v1.PutRoomRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getPutRoomMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reads a room.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.GetRoomResponse> getRoom(
        io.github.hatd.v1.GetRoomRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetRoomMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists rooms, by domain and then local part.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.ListRoomsResponse> listRooms(
        io.github.hatd.v1.ListRoomsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListRoomsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes a room, its catalogue and all its documents, in one commit.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.DeleteRoomResponse> deleteRoom(
        io.github.hatd.v1.DeleteRoomRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteRoomMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Sets what a user is to a room. OUTCAST takes the user's hats away for good,
     * as does NONE in a room for the affiliated.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.SetAffiliationResponse> setAffiliation(
        io.github.hatd.v1.SetAffiliationRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSetAffiliationMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the affiliations of a room other than NONE, by user JID.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.ListAffiliationsResponse> listAffiliations(
        io.github.hatd.v1.ListAffiliationsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListAffiliationsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Brings rooms and their affiliations up to date in bulk. One entry is one
     * commit; rooms not named stay.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.SyncRoomsResponse> syncRooms(
        io.github.hatd.v1.SyncRoomsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSyncRoomsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Removes a user from every room, one commit a room: for a deleted account,
     * before its JID is given to anyone else. Resumed by calling again.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.ForgetUserResponse> forgetUser(
        io.github.hatd.v1.ForgetUserRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getForgetUserMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_PUT_ROOM = 0;
  private static final int METHODID_GET_ROOM = 1;
  private static final int METHODID_LIST_ROOMS = 2;
  private static final int METHODID_DELETE_ROOM = 3;
  private static final int METHODID_SET_AFFILIATION = 4;
  private static final int METHODID_LIST_AFFILIATIONS = 5;
  private static final int METHODID_SYNC_ROOMS = 6;
  private static final int METHODID_FORGET_USER = 7;

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
        case METHODID_PUT_ROOM:
          serviceImpl.putRoom((io.github.hatd.v1.PutRoomRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.PutRoomResponse>) responseObserver);
          break;
        case METHODID_GET_ROOM:
          serviceImpl.getRoom((io.github.hatd.v1.GetRoomRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.GetRoomResponse>) responseObserver);
          break;
        case METHODID_LIST_ROOMS:
          serviceImpl.listRooms((io.github.hatd.v1.ListRoomsRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.ListRoomsResponse>) responseObserver);
          break;
        case METHODID_DELETE_ROOM:
          serviceImpl.deleteRoom((io.github.hatd.v1.DeleteRoomRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.DeleteRoomResponse>) responseObserver);
          break;
        case METHODID_SET_AFFILIATION:
          serviceImpl.setAffiliation((io.github.hatd.v1.SetAffiliationRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.SetAffiliationResponse>) responseObserver);
          break;
        case METHODID_LIST_AFFILIATIONS:
          serviceImpl.listAffiliations((io.github.hatd.v1.ListAffiliationsRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.ListAffiliationsResponse>) responseObserver);
          break;
        case METHODID_SYNC_ROOMS:
          serviceImpl.syncRooms((io.github.hatd.v1.SyncRoomsRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.SyncRoomsResponse>) responseObserver);
          break;
        case METHODID_FORGET_USER:
          serviceImpl.forgetUser((io.github.hatd.v1.ForgetUserRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.ForgetUserResponse>) responseObserver);
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
          getPutRoomMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.PutRoomRequest,
              io.github.hatd.v1.PutRoomResponse>(
                service, METHODID_PUT_ROOM)))
        .addMethod(
          getGetRoomMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.GetRoomRequest,
              io.github.hatd.v1.GetRoomResponse>(
                service, METHODID_GET_ROOM)))
        .addMethod(
          getListRoomsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.ListRoomsRequest,
              io.github.hatd.v1.ListRoomsResponse>(
                service, METHODID_LIST_ROOMS)))
        .addMethod(
          getDeleteRoomMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.DeleteRoomRequest,
              io.github.hatd.v1.DeleteRoomResponse>(
                service, METHODID_DELETE_ROOM)))
        .addMethod(
          getSetAffiliationMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.SetAffiliationRequest,
              io.github.hatd.v1.SetAffiliationResponse>(
                service, METHODID_SET_AFFILIATION)))
        .addMethod(
          getListAffiliationsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.ListAffiliationsRequest,
              io.github.hatd.v1.ListAffiliationsResponse>(
                service, METHODID_LIST_AFFILIATIONS)))
        .addMethod(
          getSyncRoomsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.SyncRoomsRequest,
              io.github.hatd.v1.SyncRoomsResponse>(
                service, METHODID_SYNC_ROOMS)))
        .addMethod(
          getForgetUserMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.ForgetUserRequest,
              io.github.hatd.v1.ForgetUserResponse>(
                service, METHODID_FORGET_USER)))
        .build();
  }

  private static abstract class RoomServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    RoomServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.github.hatd.v1.RoomServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("RoomService");
    }
  }

  private static final class RoomServiceFileDescriptorSupplier
      extends RoomServiceBaseDescriptorSupplier {
    RoomServiceFileDescriptorSupplier() {}
  }

  private static final class RoomServiceMethodDescriptorSupplier
      extends RoomServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    RoomServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (RoomServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new RoomServiceFileDescriptorSupplier())
              .addMethod(getPutRoomMethod())
              .addMethod(getGetRoomMethod())
              .addMethod(getListRoomsMethod())
              .addMethod(getDeleteRoomMethod())
              .addMethod(getSetAffiliationMethod())
              .addMethod(getListAffiliationsMethod())
              .addMethod(getSyncRoomsMethod())
              .addMethod(getForgetUserMethod())
              .build();
        }
      }
    }
    return result;
  }
}
