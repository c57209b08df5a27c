package io.github.hatd;

import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * What has changed since a listener last looked: each thing once, in the order in which it changed,
 * so that a listener however slow holds no more than there is to change.
 */
final class ChangeQueue implements Source<Change> {

  private final Consumer<ChangeQueue> onClose;
  private final Set<Change> changes = new LinkedHashSet<>();
  private CompletableFuture<Change> asked;
  private HatdException failure;

  ChangeQueue(Consumer<ChangeQueue> onClose) {
    this.onClose = onClose;
  }

  @Override
  public CompletableFuture<Change> next() {
    CompletableFuture<Change> next = new CompletableFuture<>();
    synchronized (this) {
      asked = next;
    }
    answer();
    return next;
  }

  void offer(Collection<Change> more) {
    synchronized (this) {
      changes.addAll(more);
    }
    answer();
  }

  /** There will be no more changes. Those that are there are still given. */
  void fail(HatdException error) {
    synchronized (this) {
      if (failure == null) {
        failure = error;
      }
    }
    answer();
  }

  @Override
  public void close() {
    onClose.accept(this);
    synchronized (this) {
      changes.clear();
      failure = new ClosedException("the changes are closed");
    }
    answer();
  }

  /** Answers who asks, if there is an answer. */
  private void answer() {
    CompletableFuture<Change> answered;
    Change change = null;
    HatdException error;
    synchronized (this) {
      error = failure;
      if (asked == null || (changes.isEmpty() && error == null)) {
        return;
      }
      if (!changes.isEmpty()) {
        Iterator<Change> first = changes.iterator();
        change = first.next();
        first.remove();
      }
      answered = asked;
      asked = null;
    }
    if (change != null) {
      answered.complete(change);
    } else {
      answered.completeExceptionally(error);
    }
  }
}
