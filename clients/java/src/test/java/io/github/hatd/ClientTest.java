package io.github.hatd;

import static io.github.hatd.FakeHatd.answer;
import static io.github.hatd.FakeHatd.refusal;
import static io.github.hatd.Responses.ANN;
import static io.github.hatd.Responses.BOB;
import static io.github.hatd.Responses.HAT;
import static io.github.hatd.Responses.ROOM;
import static io.github.hatd.Responses.bookmark;
import static io.github.hatd.Responses.changes;
import static io.github.hatd.Responses.commit;
import static io.github.hatd.Responses.complete;
import static io.github.hatd.Responses.document;
import static io.github.hatd.Responses.reset;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Message;
import io.github.hatd.v1.AddUserHatRequest;
import io.github.hatd.v1.AddUserHatResponse;
import io.github.hatd.v1.Attachment;
import io.github.hatd.v1.ListRoomHatsRequest;
import io.github.hatd.v1.ListRoomHatsResponse;
import io.github.hatd.v1.UserHats;
import io.grpc.Status;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ClientTest {

  private static final AddUserHatRequest REQUEST =
      AddUserHatRequest.newBuilder().setRoomJid(ROOM).setUserJid(ANN).setHatId(HAT).build();
  private static final AddUserHatResponse RESPONSE =
      AddUserHatResponse.newBuilder().setChanged(true).build();

  private FakeHatd server;
  private HatdClient client;

  @BeforeEach
  void start() throws IOException {
    server = new FakeHatd();
    client = HatdClient.connect(server.target());
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  @Test
  void eachMethodOfTheContractIsOneOfBothFaces() {
    Set<String> rpcs =
        List.of(
                io.github.hatd.v1.HatServiceProto.getDescriptor(),
                io.github.hatd.v1.RoomServiceProto.getDescriptor(),
                io.github.hatd.v1.WardrobeServiceProto.getDescriptor())
            .stream()
            .flatMap(file -> file.getServices().stream())
            .flatMap(service -> service.getMethods().stream())
            .map(MethodDescriptor::getName)
            .filter(name -> !name.equals("WatchHats"))
            .map(name -> Character.toLowerCase(name.charAt(0)) + name.substring(1))
            .collect(Collectors.toSet());
    assertEquals(23, rpcs.size());
    assertEquals(rpcs, calls(HatdCalls.class));
    assertEquals(rpcs, calls(AsyncHatdCalls.class));
  }

  private static Set<String> calls(Class<?> face) {
    return Arrays.stream(face.getDeclaredMethods())
        .filter(method -> java.lang.reflect.Modifier.isPublic(method.getModifiers()))
        .filter(method -> method.getParameterCount() == 1)
        .filter(method -> Message.class.isAssignableFrom(method.getParameterTypes()[0]))
        .map(java.lang.reflect.Method::getName)
        .filter(name -> !name.startsWith("all"))
        .collect(Collectors.toSet());
  }

  @Test
  void theVersionIsThatOfThePackage() {
    assertEquals(System.getProperty("project.version"), HatdClient.VERSION);
  }

  @Test
  void aWriteIsOneHoweverOftenItIsTried() {
    server.onAdd =
        (call, answer) -> {
          if (call < 3) {
            answer.onError(refusal(Status.Code.UNAVAILABLE, "SHUTTING_DOWN"));
          } else {
            answer(answer, RESPONSE);
          }
        };
    assertEquals(RESPONSE, client.addUserHat(REQUEST));
    List<String> ids = server.added.stream().map(AddUserHatRequest::getRequestId).toList();
    assertEquals(3, ids.size());
    assertEquals(1, Set.copyOf(ids).size());
    assertEquals(36, ids.get(0).length());
    assertEquals("", REQUEST.getRequestId());

    assertEquals(RESPONSE, client.addUserHat(REQUEST));
    assertNotEquals(ids.get(0), server.added.get(3).getRequestId());
    client.addUserHat(REQUEST.toBuilder().setRequestId("mine").build());
    assertEquals("mine", server.added.get(4).getRequestId());
  }

  @Test
  void aHatThatIsGivenIsWorn() {
    server.onAdd = (call, answer) -> answer(answer, RESPONSE);
    client.giveHat(ROOM, ANN, HAT);
    client.giveHat(ROOM, ANN, HAT, Attachment.newBuilder().setTitle("Host").build());
    assertEquals(
        List.of("", "Host"),
        server.added.stream().map(request -> request.getAttachment().getTitle()).toList());
    assertTrue(server.added.stream().allMatch(request -> request.getAttachment().getActive()));
  }

  @Test
  void anErrorHasItsTypeAndTheStackOfTheCaller() {
    server.onAdd =
        (call, answer) -> answer.onError(refusal(Status.Code.NOT_FOUND, "ROOM_NOT_FOUND"));
    RoomNotFoundException error =
        assertThrows(RoomNotFoundException.class, () -> client.addUserHat(REQUEST));
    assertEquals(server.added.get(0).getRequestId(), error.requestId());
    assertTrue(
        Arrays.stream(error.getStackTrace())
            .anyMatch(frame -> frame.getClassName().equals(ClientTest.class.getName())));

    CompletionException wrapped =
        assertThrows(CompletionException.class, client.async().addUserHat(REQUEST)::join);
    assertInstanceOf(RoomNotFoundException.class, wrapped.getCause());
  }

  @Test
  void aCallThatIsNotAnsweredEndsAtItsDeadline() {
    Duration timeout = Duration.ofMillis(100);
    HatdException error =
        assertThrows(HatdException.class, () -> client.withTimeout(timeout).addUserHat(REQUEST));
    assertEquals(Status.Code.DEADLINE_EXCEEDED, error.code());
    assertEquals("no answer within 0.1 s", error.getMessage());
  }

  @Test
  void aServerThatIsNotThereIsUnavailable() throws IOException {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    try (HatdClient absent =
        HatdClient.builder("127.0.0.1:" + port).writeTimeout(Duration.ofMillis(300)).connect()) {
      HatdException error = assertThrows(HatdException.class, () -> absent.addUserHat(REQUEST));
      assertEquals(Status.Code.UNAVAILABLE, error.code());
      assertTrue(error.getMessage().contains("Connection refused"), error::getMessage);
    }
  }

  @Test
  void aServerThatComesLateIsFound() throws Exception {
    int port = server.port();
    server.close();
    CompletableFuture<AddUserHatResponse> answer = client.async().addUserHat(REQUEST);
    assertThrows(
        java.util.concurrent.TimeoutException.class, () -> answer.get(300, TimeUnit.MILLISECONDS));
    server = new FakeHatd(port);
    server.onAdd = (call, response) -> answer(response, RESPONSE);
    assertEquals(RESPONSE, answer.get(5, TimeUnit.SECONDS));
  }

  @Test
  void anInterruptCancelsACall() throws Exception {
    CountDownLatch called = new CountDownLatch(1);
    CountDownLatch cancelled = new CountDownLatch(1);
    server.onAdd =
        (call, answer) -> {
          ((io.grpc.stub.ServerCallStreamObserver<?>) answer)
              .setOnCancelHandler(cancelled::countDown);
          called.countDown();
        };
    CompletableFuture<HatdException> thrown = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                client.addUserHat(REQUEST);
              } catch (HatdException error) {
                assertTrue(Thread.currentThread().isInterrupted());
                thrown.complete(error);
              }
            });
    thread.start();
    called.await();
    thread.interrupt();
    assertEquals(Status.Code.CANCELLED, thrown.get().code());
    assertTrue(cancelled.await(10, TimeUnit.SECONDS));
  }

  @Test
  void cancellingAFutureCancelsTheCall() throws Exception {
    CountDownLatch called = new CountDownLatch(1);
    CountDownLatch cancelled = new CountDownLatch(1);
    server.onAdd =
        (call, answer) -> {
          ((io.grpc.stub.ServerCallStreamObserver<?>) answer)
              .setOnCancelHandler(cancelled::countDown);
          called.countDown();
        };
    CompletableFuture<?> answer = client.async().addUserHat(REQUEST);
    called.await();
    answer.cancel(true);
    assertTrue(cancelled.await(10, TimeUnit.SECONDS));
  }

  @Test
  void callsSayWhoCalls() {
    server.onAdd = (call, answer) -> answer(answer, RESPONSE);
    client.addUserHat(REQUEST);
    try (HatdClient named =
        HatdClient.builder(server.target()).userAgent("bot/7").apiKey("secret").connect()) {
      named.addUserHat(REQUEST);
    }
    assertTrue(server.header(0, "user-agent").startsWith("hatd-java/0.1.0 "));
    assertEquals(null, server.header(0, "authorization"));
    assertTrue(server.header(1, "user-agent").startsWith("bot/7 hatd-java/0.1.0 "));
    assertEquals("Bearer secret", server.header(1, "authorization"));
  }

  @Test
  void anotherApiKeyIsAskedForWhenOneIsRefused() {
    AtomicInteger keys = new AtomicInteger();
    server.onAdd =
        (call, answer) -> {
          if ("Bearer key-1".equals(server.header(call - 1, "authorization"))) {
            answer.onError(refusal(Status.Code.UNAUTHENTICATED, "UNAUTHENTICATED"));
          } else {
            answer(answer, RESPONSE);
          }
        };
    try (HatdClient keyed =
        HatdClient.builder(server.target())
            .apiKey(() -> "key-" + keys.incrementAndGet())
            .connect()) {
      keyed.addUserHat(REQUEST);
      keyed.addUserHat(REQUEST);
    }
    assertEquals(2, keys.get());
    assertEquals(3, server.added.size());
  }

  @Test
  void anApiKeyThatIsRefusedTwiceIsAnError() {
    server.onAdd =
        (call, answer) -> answer.onError(refusal(Status.Code.UNAUTHENTICATED, "UNAUTHENTICATED"));
    try (HatdClient keyed = HatdClient.builder(server.target()).apiKey(() -> "key").connect()) {
      assertThrows(UnauthenticatedException.class, () -> keyed.addUserHat(REQUEST));
      assertEquals(2, server.added.size());
    }
    try (HatdClient keyed = HatdClient.builder(server.target()).apiKey("key").connect()) {
      assertThrows(UnauthenticatedException.class, () -> keyed.addUserHat(REQUEST));
      assertEquals(3, server.added.size());
    }
  }

  @Test
  void aSourceOfApiKeysThatFailsIsAskedAgain() {
    AtomicInteger asked = new AtomicInteger();
    server.onAdd = (call, answer) -> answer(answer, RESPONSE);
    try (HatdClient keyed =
        HatdClient.builder(server.target())
            .apiKey(
                () -> {
                  if (asked.incrementAndGet() == 1) {
                    throw new IllegalStateException("not now");
                  }
                  return "key";
                })
            .connect()) {
      assertEquals(RESPONSE, keyed.addUserHat(REQUEST));
    }
    assertEquals(2, asked.get());
  }

  @Test
  void anApiKeyThatCannotBeSentIsRefused() {
    HatdClient.Builder builder = HatdClient.builder(server.target());
    for (String key : List.of("", "two words", "line\n", "schl\u00fcssel")) {
      assertThrows(IllegalArgumentException.class, () -> builder.apiKey(key));
    }
  }

  @Test
  void aListGoesOnToItsLastPage() throws Exception {
    List<ListRoomHatsRequest> asked = new ArrayList<>();
    server.onList =
        (request, answer) -> {
          asked.add(request);
          ListRoomHatsResponse.Builder page = ListRoomHatsResponse.newBuilder();
          switch (request.getPageToken()) {
            case "" -> page.addUsers(document(ANN, 1, HAT)).setNextPageToken("2");
            case "2" -> page.setNextPageToken("3");
            default -> page.addUsers(document(BOB, 2, HAT));
          }
          answer(answer, page.build());
        };
    ListRoomHatsRequest request = ListRoomHatsRequest.newBuilder().setRoomJid(ROOM).build();
    List<UserHats> all = List.of(document(ANN, 1, HAT), document(BOB, 2, HAT));

    Iterator<UserHats> items = client.allRoomHats(request).iterator();
    items.next();
    assertEquals(1, asked.size());
    assertEquals(document(BOB, 2, HAT), items.next());
    assertFalse(items.hasNext());
    assertEquals(
        List.of(1_000, 1_000, 1_000),
        asked.stream().map(ListRoomHatsRequest::getPageSize).toList());

    asked.clear();
    ListRoomHatsRequest small = request.toBuilder().setPageSize(7).build();
    Collected<UserHats> collected = new Collected<>(Long.MAX_VALUE);
    client.async().allRoomHats(small).subscribe(collected);
    assertEquals(all, collected.all());
    assertEquals(7, asked.get(2).getPageSize());
  }

  @Test
  void aListThatFailsSaysWhy() {
    server.onList =
        (request, answer) -> answer.onError(refusal(Status.Code.NOT_FOUND, "ROOM_NOT_FOUND"));
    ListRoomHatsRequest request = ListRoomHatsRequest.getDefaultInstance();
    Iterator<UserHats> items = client.allRoomHats(request).iterator();
    assertThrows(RoomNotFoundException.class, items::hasNext);
    assertFalse(items.hasNext());
    Collected<UserHats> collected = new Collected<>(1);
    client.async().allRoomHats(request).subscribe(collected);
    assertInstanceOf(
        RoomNotFoundException.class,
        assertThrows(CompletionException.class, collected::all).getCause());
  }

  private void watchGivesASnapshotAndStays() {
    server.onWatch =
        (call, answer) -> {
          answer.onNext(reset());
          answer.onNext(complete("t1"));
          answer.onNext(bookmark("t1", "t2"));
        };
  }

  @Test
  void aWatchGoesOnWhenItsStreamEnds() {
    server.onWatch =
        (call, answer) -> {
          if (call == 1) {
            answer.onNext(reset());
            answer.onNext(complete("t1"));
            answer.onError(Status.UNAVAILABLE.asRuntimeException());
          } else {
            answer.onNext(bookmark("t1", "t2"));
          }
        };
    LinkedBlockingQueue<String> told = new LinkedBlockingQueue<>();
    WatchListener listener =
        new WatchListener() {
          @Override
          public void connected() {
            told.add("connected");
          }

          @Override
          public void disconnected(Disconnect cause, Duration retryIn) {
            told.add(cause.kind().name());
            throw new IllegalStateException("a listener that fails fails nobody else");
          }
        };
    try (Watch watch = client.watch(WatchOptions.of().withListener(listener))) {
      assertInstanceOf(Event.Reset.class, watch.next());
      assertInstanceOf(Event.Snapshot.class, watch.next());
      assertEquals("t2", watch.next().token());
      assertEquals("t1", watch.token());
      assertEquals(new Counters(1, 1, 0), watch.counters());
      assertTrue(watch.lastResponse().isPresent());
    }
    assertEquals("t1", server.watched.get(1).getResumeToken());
    assertEquals(List.of("connected", "FAILED", "connected"), List.copyOf(told));
  }

  @Test
  void anEventThatIsNotWaitedForIsNotLost() throws Exception {
    watchGivesASnapshotAndStays();
    try (Watch watch = client.watch(WatchOptions.of())) {
      for (int event = 0; event < 3; event++) {
        watch.next();
      }
      assertTrue(watch.next(Duration.ofMillis(20)).isEmpty());
      Thread.currentThread().interrupt();
      HatdException interrupted = assertThrows(HatdException.class, watch::next);
      assertTrue(Thread.interrupted());
      assertEquals(Status.Code.CANCELLED, interrupted.code());
      assertTrue(watch.next(Duration.ofMillis(20)).isEmpty());
      assertEquals(0, watch.counters().reconnects());
    }
  }

  @Test
  void aWatchThatIsRefusedEnds() {
    server.onWatch =
        (call, answer) -> answer.onError(refusal(Status.Code.INVALID_ARGUMENT, "INVALID_TOKEN"));
    try (Watch watch = client.watch(WatchOptions.of())) {
      Iterator<Event> events = watch.iterator();
      assertThrows(InvalidTokenException.class, events::hasNext);
      assertFalse(events.hasNext());
      assertThrows(WatchEndedException.class, watch::next);
    }
  }

  @Test
  void whoeverWaitsIsToldWhenTheClientIsClosed() {
    Watch watch = client.watch(WatchOptions.of());
    Mirror mirror = client.mirror();
    Changes changes = mirror.changes();
    List<CompletableFuture<HatdException>> waiting =
        List.of(
            thrown(watch::next),
            thrown(mirror::ready),
            thrown(changes::next),
            thrown(() -> client.addUserHat(REQUEST)));
    while (server.added.isEmpty() || server.watched.size() < 2) {
      Thread.onSpinWait();
    }
    client.close();
    for (CompletableFuture<HatdException> error : waiting) {
      assertInstanceOf(ClosedException.class, error.join());
    }
    assertThrows(ClosedException.class, watch::next);
    assertThrows(ClosedException.class, mirror::ready);
    assertThrows(ClosedException.class, () -> client.addUserHat(REQUEST));
    assertThrows(ClosedException.class, () -> client.watch(WatchOptions.of()));
    client.close();
  }

  private static CompletableFuture<HatdException> thrown(Runnable call) {
    CompletableFuture<HatdException> thrown = new CompletableFuture<>();
    Thread thread = new Thread(() -> thrown.complete(assertThrows(HatdException.class, call::run)));
    thread.setDaemon(true);
    thread.start();
    return thrown;
  }

  @Test
  void closingLeavesNoThread() {
    watchGivesASnapshotAndStays();
    server.onAdd = (call, answer) -> answer(answer, RESPONSE);
    Set<Thread> before = threads();
    HatdClient other = HatdClient.connect(server.target());
    other.addUserHat(REQUEST);
    other.mirror().ready();
    other.watch(WatchOptions.of()).next();
    Set<Thread> during = threads();
    during.removeAll(before);
    assertFalse(during.isEmpty());
    assertTrue(during.stream().allMatch(Thread::isDaemon));
    other.close();
    assertEquals(List.of(), during.stream().filter(Thread::isAlive).toList());
  }

  private static Set<Thread> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("hatd-"))
        .collect(Collectors.toSet());
  }

  @Test
  void aClientMayBeClosedOnAThreadOfItsOwn() throws Exception {
    server.onAdd = (call, answer) -> answer(answer, RESPONSE);
    client.async().addUserHat(REQUEST).thenRun(client::close).get(4, TimeUnit.SECONDS);
  }

  @Test
  void aPublisherGivesWhatIsRequestedAndNoMore() throws Exception {
    watchGivesASnapshotAndStays();
    AsyncWatch watch = client.async().watch(WatchOptions.of());
    Collected<Event> events = new Collected<>(0);
    watch.subscribe(events);
    events.subscription.request(2);
    assertInstanceOf(Event.Reset.class, events.next());
    assertInstanceOf(Event.Snapshot.class, events.next());
    assertEquals(null, events.values.poll(50, TimeUnit.MILLISECONDS));
    assertEquals("", watch.token());
    events.subscription.request(1);
    assertInstanceOf(Event.Bookmark.class, events.next());
    assertEquals("t1", watch.token());

    Collected<Event> second = new Collected<>(1);
    watch.subscribe(second);
    assertInstanceOf(
        IllegalStateException.class,
        assertThrows(CompletionException.class, second::all).getCause());

    watch.close();
    events.subscription.request(1);
    assertInstanceOf(
        ClosedException.class, assertThrows(CompletionException.class, events::all).getCause());
  }

  @Test
  void aDemandThatIsNotPositiveIsAnError() {
    AsyncWatch watch = client.async().watch(WatchOptions.of());
    Collected<Event> busy = new Collected<>(1);
    watch.subscribe(busy);
    busy.subscription.request(0);
    assertInstanceOf(
        IllegalArgumentException.class,
        assertThrows(CompletionException.class, busy::all).getCause());
    Collected<Event> idle = new Collected<>(0);
    client.async().watch(WatchOptions.of()).subscribe(idle);
    idle.subscription.request(-1);
    assertInstanceOf(
        IllegalArgumentException.class,
        assertThrows(CompletionException.class, idle::all).getCause());
  }

  @Test
  void aSubscriptionThatIsCancelledSaysNoMore() throws Exception {
    CountDownLatch cancelled = new CountDownLatch(1);
    server.onWatch =
        (call, answer) -> {
          ((io.grpc.stub.ServerCallStreamObserver<?>) answer)
              .setOnCancelHandler(cancelled::countDown);
          answer.onNext(reset());
        };
    Collected<Event> events = new Collected<>(2);
    client.async().watch(WatchOptions.of()).subscribe(events);
    events.next();
    events.subscription.cancel();
    assertTrue(cancelled.await(10, TimeUnit.SECONDS));
    assertFalse(events.end.isDone());
  }

  @Test
  void aMirrorIsWaitedFor() {
    server.onWatch =
        (call, answer) -> {
          if (call == 1) {
            answer.onNext(reset());
            answer.onNext(complete("t1"));
            answer.onNext(changes("t1", "t2", commit(ROOM, 1, document(ANN, 1, HAT))));
          } else {
            answer.onNext(bookmark("t2", "t3"));
          }
        };
    try (Mirror mirror = client.mirror(Selectors.room(ROOM));
        Changes changes = mirror.changes()) {
      mirror.ready();
      assertFalse(mirror.isStale());
      assertEquals(new Change(ROOM, ANN), changes.next());
      assertEquals(HAT, mirror.hats(ROOM, ANN).get(0).hatId());
      mirror.waitFor("t3");
      assertEquals("t3", server.watched.get(1).getAtLeastToken());
      assertEquals("t2", server.watched.get(1).getResumeToken());
      assertEquals(new Counters(0, 1, 0), mirror.counters());
      assertTrue(changes.next(Duration.ofMillis(20)).isEmpty());

      server.onWatch = (call, answer) -> {};
      HatdException late =
          assertThrows(HatdException.class, () -> mirror.waitFor("t4", Duration.ofMillis(20)));
      assertEquals(Status.Code.DEADLINE_EXCEEDED, late.code());
      assertThrows(IllegalArgumentException.class, () -> mirror.waitFor(document(ANN, 1, HAT)));
    }
  }

  @Test
  void aMirrorThatIsClosedStaysReadable() throws Exception {
    watchGivesASnapshotAndStays();
    AsyncMirror mirror = client.async().mirror();
    mirror.ready().get(20, TimeUnit.SECONDS);
    Collected<Change> changes = new Collected<>(1);
    mirror.changes().subscribe(changes);
    mirror.close();
    assertInstanceOf(
        ClosedException.class, assertThrows(CompletionException.class, changes::all).getCause());
    assertTrue(mirror.isReady() && mirror.isStale());
    assertEquals(List.of(), mirror.hats(ROOM, ANN));
  }

  /** A subscriber that keeps what it gets. */
  private static final class Collected<T> implements Flow.Subscriber<T> {

    private final long demand;
    private final LinkedBlockingQueue<T> values = new LinkedBlockingQueue<>();
    private final CompletableFuture<Void> end = new CompletableFuture<>();
    private Flow.Subscription subscription;

    Collected(long demand) {
      this.demand = demand;
    }

    T next() throws InterruptedException {
      return values.poll(20, TimeUnit.SECONDS);
    }

    List<T> all() {
      end.join();
      return List.copyOf(values);
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      this.subscription = subscription;
      if (demand > 0) {
        subscription.request(demand);
      }
    }

    @Override
    public void onNext(T value) {
      values.add(value);
    }

    @Override
    public void onError(Throwable error) {
      end.completeExceptionally(error);
    }

    @Override
    public void onComplete() {
      end.complete(null);
    }
  }
}
