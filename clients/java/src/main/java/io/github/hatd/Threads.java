package io.github.hatd;

import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
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
  private static final long IDLE_SECONDS = 10;

  /** How long closing waits for threads that are busy with code of the caller. Our choice. */
  private static final long CLOSE_SECONDS_MAX = 5;

  private static final AtomicInteger CLIENTS = new AtomicInteger();

  private final ThreadGroup group = new ThreadGroup("hatd-" + CLIENTS.incrementAndGet());

  /**
   * Runs the code of callers: answers, events, sources of API keys. It has as many threads as are
   * busy, since that code may block. What comes after it is shut down runs where it is.
   */
  private final ExecutorService executor =
      new ThreadPoolExecutor(
          0,
          Integer.MAX_VALUE,
          IDLE_SECONDS,
          TimeUnit.SECONDS,
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
    boolean waits = Thread.currentThread().getThreadGroup() != group;
    try {
      if (waits) {
        channel.awaitTermination(CLOSE_SECONDS_MAX, TimeUnit.SECONDS);
      }
    } catch (InterruptedException interrupted) {
      waits = false;
      Thread.currentThread().interrupt();
    }

    timers.shutdown();
    executor.shutdown();
    eventLoop.shutdownGracefully(0, CLOSE_SECONDS_MAX, TimeUnit.SECONDS);
    if (!waits) {
      return;
    }
    try {
      timers.awaitTermination(CLOSE_SECONDS_MAX, TimeUnit.SECONDS);
      executor.awaitTermination(CLOSE_SECONDS_MAX, TimeUnit.SECONDS);
      eventLoop.awaitTermination(CLOSE_SECONDS_MAX, TimeUnit.SECONDS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private ThreadFactory factory(String purpose) {
    AtomicInteger threads = new AtomicInteger();
    return task -> {
      String name = group.getName() + purpose + "-" + threads.incrementAndGet();
      Thread thread = new Thread(group, task, name);
      thread.setDaemon(true);
      return thread;
    };
  }
}
