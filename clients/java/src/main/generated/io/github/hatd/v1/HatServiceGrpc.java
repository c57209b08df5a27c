package io.github.hatd.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * What programs do to hats: give and take them, keep catalogues, read, watch.
 * Every write is one atomic commit to one room, and is answered only when it is
 * on disk to stay. A write that would change nothing commits nothing.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class HatServiceGrpc {

  private HatServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "hatd.v1.HatService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.AddUserHatRequest,
      io.github.hatd.v1.AddUserHatResponse> getAddUserHatMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "AddUserHat",
      requestType = io.github.hatd.v1.AddUserHatRequest.class,
      responseType = io.github.hatd.v1.AddUserHatResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.AddUserHatRequest,
      io.github.hatd.v1.AddUserHatResponse> getAddUserHatMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.AddUserHatRequest, io.github.hatd.v1.AddUserHatResponse> getAddUserHatMethod;
    if ((getAddUserHatMethod = HatServiceGrpc.getAddUserHatMethod) == null) {
      synchronized (HatServiceGrpc.class) {
        if ((getAddUserHatMethod = HatServiceGrpc.getAddUserHatMethod) == null) {
          HatServiceGrpc.getAddUserHatMethod = getAddUserHatMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.AddUserHatRequest, io.github.hatd.v1.AddUserHatResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "AddUserHat"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.AddUserHatRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.AddUserHatResponse.getDefaultInstance()))
              .setSchemaDescriptor(new HatServiceMethodDescriptorSupplier("AddUserHat"))
              .build();
        }
      }
    }
    return getAddUserHatMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.RemoveUserHatRequest,
      io.github.hatd.v1.RemoveUserHatResponse> getRemoveUserHatMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RemoveUserHat",
      requestType = io.github.hatd.v1.RemoveUserHatRequest.class,
      responseType = io.github.hatd.v1.RemoveUserHatResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.RemoveUserHatRequest,
      io.github.hatd.v1.RemoveUserHatResponse> getRemoveUserHatMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.RemoveUserHatRequest, io.github.hatd.v1.RemoveUserHatResponse> getRemoveUserHatMethod;
    if ((getRemoveUserHatMethod = HatServiceGrpc.getRemoveUserHatMethod) == null) {
      synchronized (HatServiceGrpc.class) {
        if ((getRemoveUserHatMethod = HatServiceGrpc.getRemoveUserHatMethod) == null) {
          HatServiceGrpc.getRemoveUserHatMethod = getRemoveUserHatMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.RemoveUserHatRequest, io.github.hatd.v1.RemoveUserHatResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RemoveUserHat"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.RemoveUserHatRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.RemoveUserHatResponse.getDefaultInstance()))
              .setSchemaDescriptor(new HatServiceMethodDescriptorSupplier("RemoveUserHat"))
              .build();
        }
      }
    }
    return getRemoveUserHatMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.SetUserHatsRequest,
      io.github.hatd.v1.SetUserHatsResponse> getSetUserHatsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SetUserHats",
      requestType = io.github.hatd.v1.SetUserHatsRequest.class,
      responseType = io.github.hatd.v1.SetUserHatsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.SetUserHatsRequest,
      io.github.hatd.v1.SetUserHatsResponse> getSetUserHatsMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.SetUserHatsRequest, io.github.hatd.v1.SetUserHatsResponse> getSetUserHatsMethod;
    if ((getSetUserHatsMethod = HatServiceGrpc.getSetUserHatsMethod) == null) {
      synchronized (HatServiceGrpc.class) {
        if ((getSetUserHatsMethod = HatServiceGrpc.getSetUserHatsMethod) == null) {
          HatServiceGrpc.getSetUserHatsMethod = getSetUserHatsMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.SetUserHatsRequest, io.github.hatd.v1.SetUserHatsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SetUserHats"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.SetUserHatsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.SetUserHatsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new HatServiceMethodDescriptorSupplier("SetUserHats"))
              .build();
        }
      }
    }
    return getSetUserHatsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.SetHatWearersRequest,
      io.github.hatd.v1.SetHatWearersResponse> getSetHatWearersMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SetHatWearers",
      requestType = io.github.hatd.v1.SetHatWearersRequest.class,
      responseType = io.github.hatd.v1.SetHatWearersResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.SetHatWearersRequest,
      io.github.hatd.v1.SetHatWearersResponse> getSetHatWearersMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.SetHatWearersRequest, io.github.hatd.v1.SetHatWearersResponse> getSetHatWearersMethod;
    if ((getSetHatWearersMethod = HatServiceGrpc.getSetHatWearersMethod) == null) {
      synchronized (HatServiceGrpc.class) {
        if ((getSetHatWearersMethod = HatServiceGrpc.getSetHatWearersMethod) == null) {
          HatServiceGrpc.getSetHatWearersMethod = getSetHatWearersMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.SetHatWearersRequest, io.github.hatd.v1.SetHatWearersResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SetHatWearers"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.SetHatWearersRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.SetHatWearersResponse.getDefaultInstance()))
              .setSchemaDescriptor(new HatServiceMethodDescriptorSupplier("SetHatWearers"))
              .build();
        }
      }
    }
    return getSetHatWearersMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.UpdateRoomHatsRequest,
      io.github.hatd.v1.UpdateRoomHatsResponse> getUpdateRoomHatsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateRoomHats",
      requestType = io.github.hatd.v1.UpdateRoomHatsRequest.class,
      responseType = io.github.hatd.v1.UpdateRoomHatsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.UpdateRoomHatsRequest,
      io.github.hatd.v1.UpdateRoomHatsResponse> getUpdateRoomHatsMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.UpdateRoomHatsRequest, io.github.hatd.v1.UpdateRoomHatsResponse> getUpdateRoomHatsMethod;
    if ((getUpdateRoomHatsMethod = HatServiceGrpc.getUpdateRoomHatsMethod) == null) {
      synchronized (HatServiceGrpc.class) {
        if ((getUpdateRoomHatsMethod = HatServiceGrpc.getUpdateRoomHatsMethod) == null) {
          HatServiceGrpc.getUpdateRoomHatsMethod = getUpdateRoomHatsMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.UpdateRoomHatsRequest, io.github.hatd.v1.UpdateRoomHatsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateRoomHats"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.UpdateRoomHatsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.UpdateRoomHatsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new HatServiceMethodDescriptorSupplier("UpdateRoomHats"))
              .build();
        }
      }
    }
    return getUpdateRoomHatsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.GetUserHatsRequest,
      io.github.hatd.v1.GetUserHatsResponse> getGetUserHatsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetUserHats",
      requestType = io.github.hatd.v1.GetUserHatsRequest.class,
      responseType = io.github.hatd.v1.GetUserHatsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.GetUserHatsRequest,
      io.github.hatd.v1.GetUserHatsResponse> getGetUserHatsMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.GetUserHatsRequest, io.github.hatd.v1.GetUserHatsResponse> getGetUserHatsMethod;
    if ((getGetUserHatsMethod = HatServiceGrpc.getGetUserHatsMethod) == null) {
      synchronized (HatServiceGrpc.class) {
        if ((getGetUserHatsMethod = HatServiceGrpc.getGetUserHatsMethod) == null) {
          HatServiceGrpc.getGetUserHatsMethod = getGetUserHatsMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.GetUserHatsRequest, io.github.hatd.v1.GetUserHatsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetUserHats"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.GetUserHatsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.GetUserHatsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new HatServiceMethodDescriptorSupplier("GetUserHats"))
              .build();
        }
      }
    }
    return getGetUserHatsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.ListRoomHatsRequest,
      io.github.hatd.v1.ListRoomHatsResponse> getListRoomHatsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListRoomHats",
      requestType = io.github.hatd.v1.ListRoomHatsRequest.class,
      responseType = io.github.hatd.v1.ListRoomHatsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.ListRoomHatsRequest,
      io.github.hatd.v1.ListRoomHatsResponse> getListRoomHatsMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.ListRoomHatsRequest, io.github.hatd.v1.ListRoomHatsResponse> getListRoomHatsMethod;
    if ((getListRoomHatsMethod = HatServiceGrpc.getListRoomHatsMethod) == null) {
      synchronized (HatServiceGrpc.class) {
        if ((getListRoomHatsMethod = HatServiceGrpc.getListRoomHatsMethod) == null) {
          HatServiceGrpc.getListRoomHatsMethod = getListRoomHatsMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.ListRoomHatsRequest, io.github.hatd.v1.ListRoomHatsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListRoomHats"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.ListRoomHatsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.ListRoomHatsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new HatServiceMethodDescriptorSupplier("ListRoomHats"))
              .build();
        }
      }
    }
    return getListRoomHatsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.ListUserHatsRequest,
      io.github.hatd.v1.ListUserHatsResponse> getListUserHatsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListUserHats",
      requestType = io.github.hatd.v1.ListUserHatsRequest.class,
      responseType = io.github.hatd.v1.ListUserHatsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.ListUserHatsRequest,
      io.github.hatd.v1.ListUserHatsResponse> getListUserHatsMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.ListUserHatsRequest, io.github.hatd.v1.ListUserHatsResponse> getListUserHatsMethod;
    if ((getListUserHatsMethod = HatServiceGrpc.getListUserHatsMethod) == null) {
      synchronized (HatServiceGrpc.class) {
        if ((getListUserHatsMethod = HatServiceGrpc.getListUserHatsMethod) == null) {
          HatServiceGrpc.getListUserHatsMethod = getListUserHatsMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.ListUserHatsRequest, io.github.hatd.v1.ListUserHatsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListUserHats"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.ListUserHatsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.ListUserHatsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new HatServiceMethodDescriptorSupplier("ListUserHats"))
              .build();
        }
      }
    }
    return getListUserHatsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.DefineHatRequest,
      io.github.hatd.v1.DefineHatResponse> getDefineHatMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DefineHat",
      requestType = io.github.hatd.v1.DefineHatRequest.class,
      responseType = io.github.hatd.v1.DefineHatResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.DefineHatRequest,
      io.github.hatd.v1.DefineHatResponse> getDefineHatMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.DefineHatRequest, io.github.hatd.v1.DefineHatResponse> getDefineHatMethod;
    if ((getDefineHatMethod = HatServiceGrpc.getDefineHatMethod) == null) {
      synchronized (HatServiceGrpc.class) {
        if ((getDefineHatMethod = HatServiceGrpc.getDefineHatMethod) == null) {
          HatServiceGrpc.getDefineHatMethod = getDefineHatMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.DefineHatRequest, io.github.hatd.v1.DefineHatResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DefineHat"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.DefineHatRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.DefineHatResponse.getDefaultInstance()))
              .setSchemaDescriptor(new HatServiceMethodDescriptorSupplier("DefineHat"))
              .build();
        }
      }
    }
    return getDefineHatMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.DestroyHatRequest,
      io.github.hatd.v1.DestroyHatResponse> getDestroyHatMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DestroyHat",
      requestType = io.github.hatd.v1.DestroyHatRequest.class,
      responseType = io.github.hatd.v1.DestroyHatResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.DestroyHatRequest,
      io.github.hatd.v1.DestroyHatResponse> getDestroyHatMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.DestroyHatRequest, io.github.hatd.v1.DestroyHatResponse> getDestroyHatMethod;
    if ((getDestroyHatMethod = HatServiceGrpc.getDestroyHatMethod) == null) {
      synchronized (HatServiceGrpc.class) {
        if ((getDestroyHatMethod = HatServiceGrpc.getDestroyHatMethod) == null) {
          HatServiceGrpc.getDestroyHatMethod = getDestroyHatMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.DestroyHatRequest, io.github.hatd.v1.DestroyHatResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DestroyHat"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.DestroyHatRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.DestroyHatResponse.getDefaultInstance()))
              .setSchemaDescriptor(new HatServiceMethodDescriptorSupplier("DestroyHat"))
              .build();
        }
      }
    }
    return getDestroyHatMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.ListHatDefinitionsRequest,
      io.github.hatd.v1.ListHatDefinitionsResponse> getListHatDefinitionsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListHatDefinitions",
      requestType = io.github.hatd.v1.ListHatDefinitionsRequest.class,
      responseType = io.github.hatd.v1.ListHatDefinitionsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.ListHatDefinitionsRequest,
      io.github.hatd.v1.ListHatDefinitionsResponse> getListHatDefinitionsMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.ListHatDefinitionsRequest, io.github.hatd.v1.ListHatDefinitionsResponse> getListHatDefinitionsMethod;
    if ((getListHatDefinitionsMethod = HatServiceGrpc.getListHatDefinitionsMethod) == null) {
      synchronized (HatServiceGrpc.class) {
        if ((getListHatDefinitionsMethod = HatServiceGrpc.getListHatDefinitionsMethod) == null) {
          HatServiceGrpc.getListHatDefinitionsMethod = getListHatDefinitionsMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.ListHatDefinitionsRequest, io.github.hatd.v1.ListHatDefinitionsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListHatDefinitions"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.ListHatDefinitionsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.ListHatDefinitionsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new HatServiceMethodDescriptorSupplier("ListHatDefinitions"))
              .build();
        }
      }
    }
    return getListHatDefinitionsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.hatd.v1.WatchHatsRequest,
      io.github.hatd.v1.WatchHatsResponse> getWatchHatsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WatchHats",
      requestType = io.github.hatd.v1.WatchHatsRequest.class,
      responseType = io.github.hatd.v1.WatchHatsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.github.hatd.v1.WatchHatsRequest,
      io.github.hatd.v1.WatchHatsResponse> getWatchHatsMethod() {
    io.grpc.MethodDescriptor<io.github.hatd.v1.WatchHatsRequest, io.github.hatd.v1.WatchHatsResponse> getWatchHatsMethod;
    if ((getWatchHatsMethod = HatServiceGrpc.getWatchHatsMethod) == null) {
      synchronized (HatServiceGrpc.class) {
        if ((getWatchHatsMethod = HatServiceGrpc.getWatchHatsMethod) == null) {
          HatServiceGrpc.getWatchHatsMethod = getWatchHatsMethod =
              io.grpc.MethodDescriptor.<io.github.hatd.v1.WatchHatsRequest, io.github.hatd.v1.WatchHatsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WatchHats"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.WatchHatsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.hatd.v1.WatchHatsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new HatServiceMethodDescriptorSupplier("WatchHats"))
              .build();
        }
      }
    }
    return getWatchHatsMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static HatServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<HatServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<HatServiceStub>() {
        @java.lang.Override
        public HatServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new HatServiceStub(channel, callOptions);
        }
      };
    return HatServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static HatServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<HatServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<HatServiceBlockingV2Stub>() {
        @java.lang.Override
        public HatServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new HatServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return HatServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static HatServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<HatServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<HatServiceBlockingStub>() {
        @java.lang.Override
        public HatServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new HatServiceBlockingStub(channel, callOptions);
        }
      };
    return HatServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static HatServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<HatServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<HatServiceFutureStub>() {
        @java.lang.Override
        public HatServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new HatServiceFutureStub(channel, callOptions);
        }
      };
    return HatServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * What programs do to hats: give and take them, keep catalogues, read, watch.
   * Every write is one atomic commit to one room, and is answered only when it is
   * on disk to stay. A write that would change nothing commits nothing.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Puts a hat into a user's wardrobe. A hat that is there already gets the new
     * attachment in place of the old one.
     * </pre>
     */
    default void addUserHat(io.github.hatd.v1.AddUserHatRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.AddUserHatResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getAddUserHatMethod(), responseObserver);
    }

    /**
     * <pre>
     * Takes a hat out of a user's wardrobe. An absent hat is a success with
     * `changed` false.
     * </pre>
     */
    default void removeUserHat(io.github.hatd.v1.RemoveUserHatRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.RemoveUserHatResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRemoveUserHatMethod(), responseObserver);
    }

    /**
     * <pre>
     * Makes the listed hats exactly the user's hats or, with a prefix, exactly
     * those of the user's hats whose id begins with it.
     * </pre>
     */
    default void setUserHats(io.github.hatd.v1.SetUserHatsRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.SetUserHatsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSetUserHatsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Makes the listed users exactly those who have the hat in the room. Their
     * other hats are untouched.
     * </pre>
     */
    default void setHatWearers(io.github.hatd.v1.SetHatWearersRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.SetHatWearersResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSetHatWearersMethod(), responseObserver);
    }

    /**
     * <pre>
     * Does up to 500 operations in one commit, all or nothing.
     * </pre>
     */
    default void updateRoomHats(io.github.hatd.v1.UpdateRoomHatsRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.UpdateRoomHatsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateRoomHatsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reads one user's document in one room. In a room for anyone, a user of whom
     * nothing is kept has an empty document.
     * </pre>
     */
    default void getUserHats(io.github.hatd.v1.GetUserHatsRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.GetUserHatsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetUserHatsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the documents of a room that have hats, by user JID.
     * </pre>
     */
    default void listRoomHats(io.github.hatd.v1.ListRoomHatsRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.ListRoomHatsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListRoomHatsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists a user's documents that have hats, by room.
     * </pre>
     */
    default void listUserHats(io.github.hatd.v1.ListUserHatsRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.ListUserHatsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListUserHatsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Creates or replaces a definition in a room's catalogue.
     * </pre>
     */
    default void defineHat(io.github.hatd.v1.DefineHatRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.DefineHatResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDefineHatMethod(), responseObserver);
    }

    /**
     * <pre>
     * Takes a hat off everybody in a room and out of its catalogue. A hat that
     * nobody has and that is not defined is a success with `changed` false.
     * </pre>
     */
    default void destroyHat(io.github.hatd.v1.DestroyHatRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.DestroyHatResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDestroyHatMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists a room's catalogue, by hat id.
     * </pre>
     */
    default void listHatDefinitions(io.github.hatd.v1.ListHatDefinitionsRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.ListHatDefinitionsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListHatDefinitionsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Sends the state of a scope, then every change to it.
     * Each response takes the client from the state at `after` to the state at
     * `token`: nothing is missing and nothing comes twice. Keep the last token; a
     * stream that ends is resumed with it. If `after` is not the token held,
     * something was lost on the way: start again at `snapshot`.
     * </pre>
     */
    default void watchHats(io.github.hatd.v1.WatchHatsRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.WatchHatsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchHatsMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service HatService.
   * <pre>
   * What programs do to hats: give and take them, keep catalogues, read, watch.
   * Every write is one atomic commit to one room, and is answered only when it is
   * on disk to stay. A write that would change nothing commits nothing.
   * </pre>
   */
  public static abstract class HatServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return HatServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service HatService.
   * <pre>
   * What programs do to hats: give and take them, keep catalogues, read, watch.
   * Every write is one atomic commit to one room, and is answered only when it is
   * on disk to stay. A write that would change nothing commits nothing.
   * </pre>
   */
  public static final class HatServiceStub
      extends io.grpc.stub.AbstractAsyncStub<HatServiceStub> {
    private HatServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected HatServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new HatServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Puts a hat into a user's wardrobe. A hat that is there already gets the new
     * attachment in place of the old one.
     * </pre>
     */
    public void addUserHat(io.github.hatd.v1.AddUserHatRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.AddUserHatResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getAddUserHatMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Takes a hat out of a user's wardrobe. An absent hat is a success with
     * `changed` false.
     * </pre>
     */
    public void removeUserHat(io.github.hatd.v1.RemoveUserHatRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.RemoveUserHatResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRemoveUserHatMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Makes the listed hats exactly the user's hats or, with a prefix, exactly
     * those of the user's hats whose id begins with it.
     * </pre>
     */
    public void setUserHats(io.github.hatd.v1.SetUserHatsRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.SetUserHatsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSetUserHatsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Makes the listed users exactly those who have the hat in the room. Their
     * other hats are untouched.
     * </pre>
     */
    public void setHatWearers(io.github.hatd.v1.SetHatWearersRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.SetHatWearersResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSetHatWearersMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Does up to 500 operations in one commit, all or nothing.
     * </pre>
     */
    public void updateRoomHats(io.github.hatd.v1.UpdateRoomHatsRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.UpdateRoomHatsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateRoomHatsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reads one user's document in one room. In a room for anyone, a user of whom
     * nothing is kept has an empty document.
     * </pre>
     */
    public void getUserHats(io.github.hatd.v1.GetUserHatsRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.GetUserHatsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetUserHatsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the documents of a room that have hats, by user JID.
     * </pre>
     */
    public void listRoomHats(io.github.hatd.v1.ListRoomHatsRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.ListRoomHatsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListRoomHatsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists a user's documents that have hats, by room.
     * </pre>
     */
    public void listUserHats(io.github.hatd.v1.ListUserHatsRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.ListUserHatsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListUserHatsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Creates or replaces a definition in a room's catalogue.
     * </pre>
     */
    public void defineHat(io.github.hatd.v1.DefineHatRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.DefineHatResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDefineHatMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Takes a hat off everybody in a room and out of its catalogue. A hat that
     * nobody has and that is not defined is a success with `changed` false.
     * </pre>
     */
    public void destroyHat(io.github.hatd.v1.DestroyHatRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.DestroyHatResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDestroyHatMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists a room's catalogue, by hat id.
     * </pre>
     */
    public void listHatDefinitions(io.github.hatd.v1.ListHatDefinitionsRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.ListHatDefinitionsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListHatDefinitionsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Sends the state of a scope, then every change to it.
     * Each response takes the client from the state at `after` to the state at
     * `token`: nothing is missing and nothing comes twice. Keep the last token; a
     * stream that ends is resumed with it. If `after` is not the token held,
     * something was lost on the way: start again at `snapshot`.
     * </pre>
     */
    public void watchHats(io.github.hatd.v1.WatchHatsRequest request,
        io.grpc.stub.StreamObserver<io.github.hatd.v1.WatchHatsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchHatsMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service HatService.
   * <pre>
   * What programs do to hats: give and take them, keep catalogues, read, watch.
   * Every write is one atomic commit to one room, and is answered only when it is
   * on disk to stay. A write that would change nothing commits nothing.
   * </pre>
   */
  public static final class HatServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<HatServiceBlockingV2Stub> {
    private HatServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected HatServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new HatServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Puts a hat into a user's wardrobe. A hat that is there already gets the new
     * attachment in place of the old one.
     * </pre>
     */
    public io.github.hatd.v1.AddUserHatResponse addUserHat(io.github.hatd.v1.AddUserHatRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getAddUserHatMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Takes a hat out of a user's wardrobe. An absent hat is a success with
     * `changed` false.
     * </pre>
     */
    public io.github.hatd.v1.RemoveUserHatResponse removeUserHat(io.github.hatd.v1.RemoveUserHatRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRemoveUserHatMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Makes the listed hats exactly the user's hats or, with a prefix, exactly
     * those of the user's hats whose id begins with it.
     * </pre>
     */
    public io.github.hatd.v1.SetUserHatsResponse setUserHats(io.github.hatd.v1.SetUserHatsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSetUserHatsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Makes the listed users exactly those who have the hat in the room. Their
     * other hats are untouched.
     * </pre>
     */
    public io.github.hatd.v1.SetHatWearersResponse setHatWearers(io.github.hatd.v1.SetHatWearersRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSetHatWearersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Does up to 500 operations in one commit, all or nothing.
     * </pre>
     */
    public io.github.hatd.v1.UpdateRoomHatsResponse updateRoomHats(io.github.hatd.v1.UpdateRoomHatsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdateRoomHatsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads one user's document in one room. In a room for anyone, a user of whom
     * nothing is kept has an empty document.
     * </pre>
     */
    public io.github.hatd.v1.GetUserHatsResponse getUserHats(io.github.hatd.v1.GetUserHatsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetUserHatsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the documents of a room that have hats, by user JID.
     * </pre>
     */
    public io.github.hatd.v1.ListRoomHatsResponse listRoomHats(io.github.hatd.v1.ListRoomHatsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListRoomHatsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists a user's documents that have hats, by room.
     * </pre>
     */
    public io.github.hatd.v1.ListUserHatsResponse listUserHats(io.github.hatd.v1.ListUserHatsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListUserHatsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates or replaces a definition in a room's catalogue.
     * </pre>
     */
    public io.github.hatd.v1.DefineHatResponse defineHat(io.github.hatd.v1.DefineHatRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDefineHatMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Takes a hat off everybody in a room and out of its catalogue. A hat that
     * nobody has and that is not defined is a success with `changed` false.
     * </pre>
     */
    public io.github.hatd.v1.DestroyHatResponse destroyHat(io.github.hatd.v1.DestroyHatRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDestroyHatMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists a room's catalogue, by hat id.
     * </pre>
     */
    public io.github.hatd.v1.ListHatDefinitionsResponse listHatDefinitions(io.github.hatd.v1.ListHatDefinitionsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListHatDefinitionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Sends the state of a scope, then every change to it.
     * Each response takes the client from the state at `after` to the state at
     * `token`: nothing is missing and nothing comes twice. Keep the last token; a
     * stream that ends is resumed with it. If `after` is not the token held,
     * something was lost on the way: start again at `snapshot`.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.github.hatd.v1.WatchHatsResponse>
        watchHats(io.github.hatd.v1.WatchHatsRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getWatchHatsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service HatService.
   * <pre>
   * What programs do to hats: give and take them, keep catalogues, read, watch.
   * Every write is one atomic commit to one room, and is answered only when it is
   * on disk to stay. A write that would change nothing commits nothing.
   * </pre>
   */
  public static final class HatServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<HatServiceBlockingStub> {
    private HatServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected HatServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new HatServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Puts a hat into a user's wardrobe. A hat that is there already gets the new
     * attachment in place of the old one.
     * </pre>
     */
    public io.github.hatd.v1.AddUserHatResponse addUserHat(io.github.hatd.v1.AddUserHatRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getAddUserHatMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Takes a hat out of a user's wardrobe. An absent hat is a success with
     * `changed` false.
     * </pre>
     */
    public io.github.hatd.v1.RemoveUserHatResponse removeUserHat(io.github.hatd.v1.RemoveUserHatRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRemoveUserHatMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Makes the listed hats exactly the user's hats or, with a prefix, exactly
     * those of the user's hats whose id begins with it.
     * </pre>
     */
    public io.github.hatd.v1.SetUserHatsResponse setUserHats(io.github.hatd.v1.SetUserHatsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSetUserHatsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Makes the listed users exactly those who have the hat in the room. Their
     * other hats are untouched.
     * </pre>
     */
    public io.github.hatd.v1.SetHatWearersResponse setHatWearers(io.github.hatd.v1.SetHatWearersRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSetHatWearersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Does up to 500 operations in one commit, all or nothing.
     * </pre>
     */
    public io.github.hatd.v1.UpdateRoomHatsResponse updateRoomHats(io.github.hatd.v1.UpdateRoomHatsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateRoomHatsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads one user's document in one room. In a room for anyone, a user of whom
     * nothing is kept has an empty document.
     * </pre>
     */
    public io.github.hatd.v1.GetUserHatsResponse getUserHats(io.github.hatd.v1.GetUserHatsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetUserHatsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the documents of a room that have hats, by user JID.
     * </pre>
     */
    public io.github.hatd.v1.ListRoomHatsResponse listRoomHats(io.github.hatd.v1.ListRoomHatsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListRoomHatsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists a user's documents that have hats, by room.
     * </pre>
     */
    public io.github.hatd.v1.ListUserHatsResponse listUserHats(io.github.hatd.v1.ListUserHatsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListUserHatsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates or replaces a definition in a room's catalogue.
     * </pre>
     */
    public io.github.hatd.v1.DefineHatResponse defineHat(io.github.hatd.v1.DefineHatRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDefineHatMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Takes a hat off everybody in a room and out of its catalogue. A hat that
     * nobody has and that is not defined is a success with `changed` false.
     * </pre>
     */
    public io.github.hatd.v1.DestroyHatResponse destroyHat(io.github.hatd.v1.DestroyHatRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDestroyHatMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists a room's catalogue, by hat id.
     * </pre>
     */
    public io.github.hatd.v1.ListHatDefinitionsResponse listHatDefinitions(io.github.hatd.v1.ListHatDefinitionsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListHatDefinitionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Sends the state of a scope, then every change to it.
     * Each response takes the client from the state at `after` to the state at
     * `token`: nothing is missing and nothing comes twice. Keep the last token; a
     * stream that ends is resumed with it. If `after` is not the token held,
     * something was lost on the way: start again at `snapshot`.
     * </pre>
     */
    public java.util.Iterator<io.github.hatd.v1.WatchHatsResponse> watchHats(
        io.github.hatd.v1.WatchHatsRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchHatsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service HatService.
   * <pre>
   * What programs do to hats: give and take them, keep catalogues, read, watch.
   * Every write is one atomic commit to one room, and is answered only when it is
   * on disk to stay. A write that would change nothing commits nothing.
   * </pre>
   */
  public static final class HatServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<HatServiceFutureStub> {
    private HatServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected HatServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new HatServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Puts a hat into a user's wardrobe. A hat that is there already gets the new
     * attachment in place of the old one.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.AddUserHatResponse> addUserHat(
        io.github.hatd.v1.AddUserHatRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getAddUserHatMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Takes a hat out of a user's wardrobe. An absent hat is a success with
     * `changed` false.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.RemoveUserHatResponse> removeUserHat(
        io.github.hatd.v1.RemoveUserHatRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRemoveUserHatMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Makes the listed hats exactly the user's hats or, with a prefix, exactly
     * those of the user's hats whose id begins with it.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.SetUserHatsResponse> setUserHats(
        io.github.hatd.v1.SetUserHatsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSetUserHatsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Makes the listed users exactly those who have the hat in the room. Their
     * other hats are untouched.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.SetHatWearersResponse> setHatWearers(
        io.github.hatd.v1.SetHatWearersRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSetHatWearersMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Does up to 500 operations in one commit, all or nothing.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.UpdateRoomHatsResponse> updateRoomHats(
        io.github.hatd.v1.UpdateRoomHatsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateRoomHatsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reads one user's document in one room. In a room for anyone, a user of whom
     * nothing is kept has an empty document.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.GetUserHatsResponse> getUserHats(
        io.github.hatd.v1.GetUserHatsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetUserHatsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the documents of a room that have hats, by user JID.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.ListRoomHatsResponse> listRoomHats(
        io.github.hatd.v1.ListRoomHatsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListRoomHatsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists a user's documents that have hats, by room.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.ListUserHatsResponse> listUserHats(
        io.github.hatd.v1.ListUserHatsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListUserHatsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Creates or replaces a definition in a room's catalogue.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.DefineHatResponse> defineHat(
        io.github.hatd.v1.DefineHatRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDefineHatMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Takes a hat off everybody in a room and out of its catalogue. A hat that
     * nobody has and that is not defined is a success with `changed` false.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.DestroyHatResponse> destroyHat(
        io.github.hatd.v1.DestroyHatRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDestroyHatMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists a room's catalogue, by hat id.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.hatd.v1.ListHatDefinitionsResponse> listHatDefinitions(
        io.github.hatd.v1.ListHatDefinitionsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListHatDefinitionsMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_ADD_USER_HAT = 0;
  private static final int METHODID_REMOVE_USER_HAT = 1;
  private static final int METHODID_SET_USER_HATS = 2;
  private static final int METHODID_SET_HAT_WEARERS = 3;
  private static final int METHODID_UPDATE_ROOM_HATS = 4;
  private static final int METHODID_GET_USER_HATS = 5;
  private static final int METHODID_LIST_ROOM_HATS = 6;
  private static final int METHODID_LIST_USER_HATS = 7;
  private static final int METHODID_DEFINE_HAT = 8;
  private static final int METHODID_DESTROY_HAT = 9;
  private static final int METHODID_LIST_HAT_DEFINITIONS = 10;
  private static final int METHODID_WATCH_HATS = 11;

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
        case METHODID_ADD_USER_HAT:
          serviceImpl.addUserHat((io.github.hatd.v1.AddUserHatRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.AddUserHatResponse>) responseObserver);
          break;
        case METHODID_REMOVE_USER_HAT:
          serviceImpl.removeUserHat((io.github.hatd.v1.RemoveUserHatRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.RemoveUserHatResponse>) responseObserver);
          break;
        case METHODID_SET_USER_HATS:
          serviceImpl.setUserHats((io.github.hatd.v1.SetUserHatsRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.SetUserHatsResponse>) responseObserver);
          break;
        case METHODID_SET_HAT_WEARERS:
          serviceImpl.setHatWearers((io.github.hatd.v1.SetHatWearersRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.SetHatWearersResponse>) responseObserver);
          break;
        case METHODID_UPDATE_ROOM_HATS:
          serviceImpl.updateRoomHats((io.github.hatd.v1.UpdateRoomHatsRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.UpdateRoomHatsResponse>) responseObserver);
          break;
        case METHODID_GET_USER_HATS:
          serviceImpl.getUserHats((io.github.hatd.v1.GetUserHatsRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.GetUserHatsResponse>) responseObserver);
          break;
        case METHODID_LIST_ROOM_HATS:
          serviceImpl.listRoomHats((io.github.hatd.v1.ListRoomHatsRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.ListRoomHatsResponse>) responseObserver);
          break;
        case METHODID_LIST_USER_HATS:
          serviceImpl.listUserHats((io.github.hatd.v1.ListUserHatsRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.ListUserHatsResponse>) responseObserver);
          break;
        case METHODID_DEFINE_HAT:
          serviceImpl.defineHat((io.github.hatd.v1.DefineHatRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.DefineHatResponse>) responseObserver);
          break;
        case METHODID_DESTROY_HAT:
          serviceImpl.destroyHat((io.github.hatd.v1.DestroyHatRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.DestroyHatResponse>) responseObserver);
          break;
        case METHODID_LIST_HAT_DEFINITIONS:
          serviceImpl.listHatDefinitions((io.github.hatd.v1.ListHatDefinitionsRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.ListHatDefinitionsResponse>) responseObserver);
          break;
        case METHODID_WATCH_HATS:
          serviceImpl.watchHats((io.github.hatd.v1.WatchHatsRequest) request,
              (io.grpc.stub.StreamObserver<io.github.hatd.v1.WatchHatsResponse>) responseObserver);
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
          getAddUserHatMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.AddUserHatRequest,
              io.github.hatd.v1.AddUserHatResponse>(
                service, METHODID_ADD_USER_HAT)))
        .addMethod(
          getRemoveUserHatMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.RemoveUserHatRequest,
              io.github.hatd.v1.RemoveUserHatResponse>(
                service, METHODID_REMOVE_USER_HAT)))
        .addMethod(
          getSetUserHatsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.SetUserHatsRequest,
              io.github.hatd.v1.SetUserHatsResponse>(
                service, METHODID_SET_USER_HATS)))
        .addMethod(
          getSetHatWearersMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.SetHatWearersRequest,
              io.github.hatd.v1.SetHatWearersResponse>(
                service, METHODID_SET_HAT_WEARERS)))
        .addMethod(
          getUpdateRoomHatsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.UpdateRoomHatsRequest,
              io.github.hatd.v1.UpdateRoomHatsResponse>(
                service, METHODID_UPDATE_ROOM_HATS)))
        .addMethod(
          getGetUserHatsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.GetUserHatsRequest,
              io.github.hatd.v1.GetUserHatsResponse>(
                service, METHODID_GET_USER_HATS)))
        .addMethod(
          getListRoomHatsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.ListRoomHatsRequest,
              io.github.hatd.v1.ListRoomHatsResponse>(
                service, METHODID_LIST_ROOM_HATS)))
        .addMethod(
          getListUserHatsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.ListUserHatsRequest,
              io.github.hatd.v1.ListUserHatsResponse>(
                service, METHODID_LIST_USER_HATS)))
        .addMethod(
          getDefineHatMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.DefineHatRequest,
              io.github.hatd.v1.DefineHatResponse>(
                service, METHODID_DEFINE_HAT)))
        .addMethod(
          getDestroyHatMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.DestroyHatRequest,
              io.github.hatd.v1.DestroyHatResponse>(
                service, METHODID_DESTROY_HAT)))
        .addMethod(
          getListHatDefinitionsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.hatd.v1.ListHatDefinitionsRequest,
              io.github.hatd.v1.ListHatDefinitionsResponse>(
                service, METHODID_LIST_HAT_DEFINITIONS)))
        .addMethod(
          getWatchHatsMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.github.hatd.v1.WatchHatsRequest,
              io.github.hatd.v1.WatchHatsResponse>(
                service, METHODID_WATCH_HATS)))
        .build();
  }

  private static abstract class HatServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    HatServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.github.hatd.v1.HatServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("HatService");
    }
  }

  private static final class HatServiceFileDescriptorSupplier
      extends HatServiceBaseDescriptorSupplier {
    HatServiceFileDescriptorSupplier() {}
  }

  private static final class HatServiceMethodDescriptorSupplier
      extends HatServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    HatServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (HatServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new HatServiceFileDescriptorSupplier())
              .addMethod(getAddUserHatMethod())
              .addMethod(getRemoveUserHatMethod())
              .addMethod(getSetUserHatsMethod())
              .addMethod(getSetHatWearersMethod())
              .addMethod(getUpdateRoomHatsMethod())
              .addMethod(getGetUserHatsMethod())
              .addMethod(getListRoomHatsMethod())
              .addMethod(getListUserHatsMethod())
              .addMethod(getDefineHatMethod())
              .addMethod(getDestroyHatMethod())
              .addMethod(getListHatDefinitionsMethod())
              .addMethod(getWatchHatsMethod())
              .build();
        }
      }
    }
    return result;
  }
}
