package io.github.hatd;

import com.google.protobuf.Message;
import java.time.Duration;

/**
 * The state of a scope, kept current in memory by a watch that resumes by itself.
 *
 * <p>It is for any number of threads.
 */
public final class Mirror extends MirrorView {

  Mirror(MirrorDriver driver) {
    super(driver);
  }

  /**
   * Waits until the first snapshot is complete.
   *
   * @throws HatdException what ended the mirror for good, as {@link Watch#next()} has it; {@code
   *     CANCELLED} if the thread is interrupted
   */
  public void ready() {
    Await.answer(driver().ready());
  }

  /**
   * Waits until the first snapshot is complete.
   *
   * @param timeout how long to wait
   * @throws HatdException as {@link #ready()}; {@code DEADLINE_EXCEEDED} if the time is over
   */
  public void ready(Duration timeout) {
    Await.answer(driver().ready(), timeout);
  }

  /**
   * Waits until the mirror includes a write or a read, so that it can be asked for what was
   * written. Waits for the first snapshot too.
   *
   * @param answer the answer of any call that has a token
   * @throws IllegalArgumentException the message has no token
   * @throws HatdException what ended the mirror for good; {@link StoreMismatchException} or {@link
   *     InvalidTokenException} if the answer is not of this store; {@code CANCELLED} if the thread
   *     is interrupted
   */
  public void waitFor(Message answer) {
    Await.answer(driver().waitFor(answer, tokenOf(answer)));
  }

  /**
   * Waits until the mirror includes a write or a read.
   *
   * @param answer the answer of any call that has a token
   * @param timeout how long to wait
   * @throws IllegalArgumentException the message has no token
   * @throws HatdException as {@link #waitFor(Message)}; {@code DEADLINE_EXCEEDED} if the time is
   *     over
   */
  public void waitFor(Message answer, Duration timeout) {
    Await.answer(driver().waitFor(answer, tokenOf(answer)), timeout);
  }

  /**
   * Waits until the mirror includes a position. Where there is the answer that the token is of,
   * waiting for that is cheaper.
   *
   * @param token the token of any answer or watch; empty: waits for the first snapshot only
   * @throws HatdException as {@link #waitFor(Message)}
   */
  public void waitFor(String token) {
    Await.answer(driver().waitFor(null, token));
  }

  /**
   * Waits until the mirror includes a position.
   *
   * @param token the token of any answer or watch; empty: waits for the first snapshot only
   * @param timeout how long to wait
   * @throws HatdException as {@link #waitFor(Message)}; {@code DEADLINE_EXCEEDED} if the time is
   *     over
   */
  public void waitFor(String token, Duration timeout) {
    Await.answer(driver().waitFor(null, token), timeout);
  }

  /**
   * Listens to what changes from now on; before the first snapshot is complete, to what that
   * brings. Each thing that changed is told once until it is taken, however often it changed, so
   * that a slow listener holds no queue: it reads the latest from the mirror.
   *
   * @return the changes, to be closed
   */
  public Changes changes() {
    return new Changes(driver().changes());
  }
}
