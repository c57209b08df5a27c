package io.github.hatd;

import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The threads of one client: daemons, which end when it is closed. */
final class Threads {

  /** How long a thread that has nothing to do is kept. Our choice. */
  private static final Duration IDLE = Duration.ofSeconds(10);

  /** How long closing waits for threads that are busy with code of the caller. Our choice. */
  private static final Duration CLOSE_MAX = Duration.ofSeconds(5);

  private static final AtomicInteger CLIENTS = new AtomicInteger();

  private final String name = "hatd-" + CLIENTS.incrementAndGet();
  private final Set<Thread> threads = ConcurrentHashMap.newKeySet();

  /**
   * Runs the code of callers: answers, events, sources of API keys. It has as many threads as are
   * busy, since that code may block. What comes after it is shut down runs where it is.
   */
  private final ExecutorService executor =
      new ThreadPoolExecutor(
          0,
          Integer.MAX_VALUE,
          IDLE.toMillis(),
          TimeUnit.MILLISECONDS,
          new SynchronousQueue<>(),
          factory(""),
          (task, shutDown) -> task.run());

  private final ScheduledThreadPoolExecutor timers =
      new ScheduledThreadPoolExecutor(1, factory("-timer"), new ThreadPoolExecutor.DiscardPolicy());

  /** One thread is enough for one connection. */
  private final EventLoopGroup eventLoop =
      new MultiThreadIoEventLoopGroup(1, factory("-io"), NioIoHandler.newFactory());

  Threads() {
    timers.setRemoveOnCancelPolicy(true);
    timers.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
  }

  ExecutorService executor() {
    return executor;
  }

  ScheduledThreadPoolExecutor timers() {
    return timers;
  }

  EventLoopGroup eventLoop() {
    return eventLoop;
  }

  /**
   * Ends the threads once the channel that they work for, which is shut down, has ended. Waits for
   * all of it, unless it is one of the threads that calls.
   */
  void close(ManagedChannel channel) {
    boolean waits = !threads.contains(Thread.currentThread());
    long deadline = System.nanoTime() + CLOSE_MAX.toNanos();
    try {
      if (waits) {
        channel.awaitTermination(CLOSE_MAX.toNanos(), TimeUnit.NANOSECONDS);
      }
      shutDown();
      for (Thread thread : waits ? threads : Set.<Thread>of()) {
        TimeUnit.NANOSECONDS.timedJoin(thread, deadline - System.nanoTime());
      }
    } catch (InterruptedException interrupted) {
      shutDown();
      Thread.currentThread().interrupt();
    }
  }

  private void shutDown() {
    timers.shutdown();
    executor.shutdown();
    eventLoop.shutdownGracefully(0, CLOSE_MAX.toNanos(), TimeUnit.NANOSECONDS);
  }

  private ThreadFactory factory(String purpose) {
    AtomicInteger made = new AtomicInteger();
    return task -> {
      threads.removeIf(thread -> thread.getState() == Thread.State.TERMINATED);
      Thread thread = new Thread(task, name + purpose + "-" + made.incrementAndGet());
      thread.setDaemon(true);
      threads.add(thread);
      return thread;
    };
  }
}
