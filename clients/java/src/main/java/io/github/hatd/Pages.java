package io.github.hatd;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/** A list whole: the items of its pages, each page asked for when the one before is used up. */
final class Pages<Q extends Message, P extends Message, T> implements Source<T> {

  /** Items asked for a page, unless the request says how many: the server's most. */
  private static final int PAGE_SIZE = 1_000;

  private final Function<Q, CompletableFuture<P>> call;
  private final Function<P, List<T>> itemsOf;
  private final Queue<T> items = new ArrayDeque<>();
  private Q request;
  private boolean lastPage;
  private CompletableFuture<P> fetching;
  private boolean closed;

  Pages(Q request, Function<Q, CompletableFuture<P>> call, Function<P, List<T>> itemsOf) {
    FieldDescriptor pageSize = field(request, "page_size");
    boolean sized = !request.getField(pageSize).equals(0);
    this.request = sized ? request : with(request, pageSize, PAGE_SIZE);
    this.call = call;
    this.itemsOf = itemsOf;
  }

  @Override
  public CompletableFuture<T> next() {
    if (!items.isEmpty() || lastPage) {
      return CompletableFuture.completedFuture(items.poll());
    }
    CompletableFuture<P> page;
    synchronized (this) {
      if (closed) {
        return CompletableFuture.failedFuture(new ClosedException("the list is closed"));
      }
      page = call.apply(request);
      fetching = page;
    }
    // A page may be empty, and still be followed by another.
    return page.thenCompose(
        response -> {
          take(response);
          return next();
        });
  }

  @Override
  public synchronized void close() {
    closed = true;
    if (fetching != null) {
      fetching.cancel(true);
    }
  }

  private void take(P response) {
    items.addAll(itemsOf.apply(response));
    Object nextPageToken = response.getField(field(response, "next_page_token"));
    lastPage = nextPageToken.equals("");
    request = with(request, field(request, "page_token"), nextPageToken);
  }

  private static FieldDescriptor field(Message message, String name) {
    return message.getDescriptorForType().findFieldByName(name);
  }

  @SuppressWarnings("unchecked") // What a builder builds is of the type that the builder is from.
  private static <Q extends Message> Q with(Q request, FieldDescriptor field, Object value) {
    return (Q) request.toBuilder().setField(field, value).build();
  }
}
