package io.github.hatd.conformance;

import com.google.protobuf.Message;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;

/** Finds the methods of a client by the names that the contract has for them. */
final class Methods {

  private Methods() {}

  /** Calls the method of {@code target} that takes a request. */
  static Object invoke(Object target, String name, Message request) throws Exception {
    try {
      return find(target.getClass(), name).invoke(target, request);
    } catch (InvocationTargetException error) {
      if (error.getCause() instanceof Exception cause) {
        throw cause;
      }
      throw error;
    }
  }

  /** Returns a builder of what a method takes. */
  static Message.Builder requestBuilder(Class<?> client, String name) throws Exception {
    Class<?> request = find(client, name).getParameterTypes()[0];
    return (Message.Builder) request.getMethod("newBuilder").invoke(null);
  }

  /** Returns the name in Java of an RPC. */
  static String ofRpc(String rpc) {
    return Character.toLowerCase(rpc.charAt(0)) + rpc.substring(1);
  }

  /** Returns the name in Java of the method that lists all pages of an RPC. */
  static String ofList(String rpc) {
    return rpc.replaceFirst("^List", "all");
  }

  private static Method find(Class<?> client, String name) {
    return Arrays.stream(client.getMethods())
        .filter(method -> method.getName().equals(name) && method.getParameterCount() == 1)
        .filter(method -> Message.class.isAssignableFrom(method.getParameterTypes()[0]))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no method " + name));
  }
}
