package hatd

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/hatd/hatd/clients/go/hatdpb"
)

// silentHeartbeats is how many heartbeat intervals of silence mean that the stream is dead.
const silentHeartbeats = 2.5

// errWoken is returned by next when it was woken up.
var errWoken = errors.New("woken up")

// A Watch is the state of a scope, then every change to it.
//
// It asks for one response at a time and holds none ahead, so a slow caller slows the stream and
// nothing else. It resumes by itself, whatever ends the stream under it, after the last event that the
// caller came back from: an event is processed when [Watch.Next] is called again.
//
// Next is for one goroutine at a time; Close and Status are for any.
type Watch struct {
	client     *Client
	silenceMax time.Duration
	hooks      Hooks

	// ctx is done once the watch or its client is closed, with ErrClosed as its cause.
	ctx    context.Context
	cancel context.CancelCauseFunc
	tasks  tasks

	// stream is nil while there is none. Not before notBefore is the next one opened. Both belong to
	// the goroutine that waits in Next.
	stream    *stream
	notBefore time.Time

	// mu guards the cursor.
	mu     sync.Mutex
	cursor *cursor
}

// Watch watches hats: the state of what the options select, then every change to it.
//
// Nothing is sent until the first [Watch.Next]. The caller must close the watch, or the client.
func (c *Client) Watch(options ...WatchOption) *Watch {
	return newWatch(c, newWatchSettings(options))
}

func newWatch(c *Client, settings watchSettings) *Watch {
	ctx, cancel := context.WithCancelCause(c.ctx)
	return &Watch{
		client:     c,
		silenceMax: time.Duration(silentHeartbeats * float64(settings.heartbeatInterval)),
		hooks:      settings.hooks,
		ctx:        ctx,
		cancel:     cancel,
		cursor:     newCursor(settings, c.key != nil && c.key.source != nil),
	}
}

// Next returns the next event, waiting for it until ctx is done, which loses nothing.
//
// Calling it says that the event before is processed: from then on the watch would resume after it.
//
// Errors: that of ctx, and the watch goes on with the next call; [ErrClosed]; and what connecting again
// would not mend. The watch has then ended, and [ErrEnded] follows:
//   - the codes INVALID_ARGUMENT, UNAUTHENTICATED (after asking once for another API key),
//     PERMISSION_DENIED, UNIMPLEMENTED and DATA_LOSS;
//   - [ErrResumeTokenExpired] and [ErrStoreMismatch] with [FailIfExpired], and ErrStoreMismatch for an
//     [AtLeast] of another store.
func (w *Watch) Next(ctx context.Context) (Event, error) {
	return w.next(ctx, nil)
}

// Events yields the events until ctx is done, the watch is closed, or an error ends it, which is yielded
// last. Leaving the loop in whatever way closes the watch.
func (w *Watch) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		defer w.Close()
		for {
			event, err := w.Next(ctx)
			if !yield(event, err) || err != nil {
				return
			}
		}
	}
}

// Status returns what the watch has been through.
func (w *Watch) Status() WatchStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cursor.status
}

// Close ends the watch and its stream; a pending [Watch.Next] returns [ErrClosed]. It is not to be called
// from [Hooks]. Closing again does no harm. The error is always nil.
func (w *Watch) Close() error {
	w.cancel(ErrClosed)
	w.tasks.close()
	return nil
}

// next is Next, and returns errWoken if a value comes from wake first.
func (w *Watch) next(ctx context.Context, wake <-chan struct{}) (Event, error) {
	w.advance()
	for {
		if w.ctx.Err() != nil {
			return nil, closedError()
		}
		event, cause, err := w.step(ctx, wake)
		switch {
		case err != nil:
			return nil, err
		case cause != nil:
			if err := w.disconnect(cause); err != nil {
				return nil, err
			}
		case event != nil:
			return event, nil
		}
	}
}

// advance says that the event before is processed.
func (w *Watch) advance() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cursor.advance()
}

// step goes one step: waits, connects, or takes a response, which alone gives an event. A cause is the
// end of the stream; an error is for the caller, and the step can be tried again.
func (w *Watch) step(ctx context.Context, wake <-chan struct{}) (event Event, cause, err error) {
	if w.stream == nil {
		if delay := time.Until(w.notBefore); delay > 0 {
			_, err := wait[answer](ctx, w, wake, nil, delay)
			return nil, nil, err
		}
		return nil, nil, w.open()
	}

	if !w.stream.ask(w) {
		return nil, nil, closedError()
	}
	started := time.Now()
	answer, err := wait(ctx, w, wake, w.stream.answers, w.silenceMax-w.stream.waited)
	w.stream.waited += time.Since(started)
	switch {
	case err != nil:
		return nil, nil, err
	case answer == nil:
		return nil, ErrSilent, nil
	}
	w.stream.asked, w.stream.waited = false, 0
	if answer.err != nil {
		return nil, streamError(answer.err), nil
	}

	now := time.Now()
	if w.stream.since.IsZero() {
		w.stream.since = now
		w.hooks.connected()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	event, cause = w.cursor.take(answer.response, now)
	return event, cause, nil
}

// open begins a stream where the one before ended. Its first answer tells whether it could be opened.
func (w *Watch) open() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cursor.ended {
		return newError(codes.FailedPrecondition, ErrEnded, "%v", ErrEnded)
	}
	w.stream = newStream(w.ctx, w.client, w.cursor.open())
	return nil
}

// disconnect ends the stream. An error is the end of the watch, too.
func (w *Watch) disconnect(cause error) error {
	var lasted time.Duration
	if w.stream != nil {
		if !w.stream.since.IsZero() {
			lasted = time.Since(w.stream.since)
		}
		var failure *Error
		if errors.As(cause, &failure) && failure.Code == codes.Unauthenticated {
			w.client.key.refuse(w.stream.key)
		}
		if under := w.stream.under.Load(); under != nil && cause == ErrSilent {
			w.client.tether.cut(*under)
		}
		w.drop()
	}
	w.mu.Lock()
	retryIn, final := w.cursor.disconnect(cause, lasted)
	w.mu.Unlock()
	if final != nil {
		return final
	}
	w.notBefore = time.Now().Add(retryIn)
	w.hooks.disconnected(cause, retryIn)
	return nil
}

// drop cancels the stream. The next one begins where the caller stands.
func (w *Watch) drop() {
	if w.stream != nil {
		w.stream.cancel()
		w.stream = nil
	}
}

// askFor drops the stream and lets those that follow ask for a position, until a bookmark has passed it.
// The empty token asks for none.
func (w *Watch) askFor(atLeastToken string) {
	w.drop()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cursor.askFor(atLeastToken)
}

// wait returns what comes from values, or nil once limit has passed.
func wait[T any](
	ctx context.Context, w *Watch, wake <-chan struct{}, values <-chan *T, limit time.Duration,
) (*T, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case value := <-values:
		// What closing did to the stream says nothing about the stream.
		if w.ctx.Err() == nil {
			return value, nil
		}
	case <-timer.C:
		return nil, nil
	case <-wake:
		return nil, errWoken
	case <-ctx.Done():
		return nil, contextError(ctx)
	case <-w.ctx.Done():
	}
	return nil, closedError()
}

// A stream is one call of WatchHats.
type stream struct {
	client  *Client
	request *hatdpb.WatchHatsRequest
	ctx     context.Context
	cancel  context.CancelFunc
	// call is nil until the stream is open, and key is the API key that it carries. Both belong to the
	// goroutine that is to answer.
	call grpc.ServerStreamingClient[hatdpb.WatchHatsResponse]
	key  string
	// under is the context of the call once it is open.
	under atomic.Pointer[context.Context]

	// answers has room for the one answer that is asked for, so that nobody need take it.
	answers chan *answer
	asked   bool
	// waited is how long the caller has waited for the answer: time that the caller takes is not the
	// server's silence.
	waited time.Duration
	// since is when the first response came. Zero: none has.
	since time.Time
}

// An answer is a response or the end of the stream.
type answer struct {
	response *hatdpb.WatchHatsResponse
	err      error
}

func newStream(ctx context.Context, c *Client, request *hatdpb.WatchHatsRequest) *stream {
	ctx, cancel := context.WithCancel(ctx)
	return &stream{
		client:  c,
		request: request,
		ctx:     ctx,
		cancel:  cancel,
		answers: make(chan *answer, 1),
	}
}

// ask asks for an answer, unless one is asked for already. False: it is closed.
func (s *stream) ask(w *Watch) bool {
	if s.asked {
		return true
	}
	if !s.client.tasks.start() {
		return false
	}
	if !w.tasks.start() {
		s.client.tasks.running.Done()
		return false
	}
	s.asked = true
	go func() {
		defer s.client.tasks.running.Done()
		defer w.tasks.running.Done()
		response, err := s.receive()
		s.answers <- &answer{response, err}
	}()
	return true
}

// receive returns the next response, opening the stream before the first.
func (s *stream) receive() (*hatdpb.WatchHatsResponse, error) {
	if s.call == nil {
		ctx, key, failure := s.client.key.sign(s.ctx)
		if failure != nil {
			return nil, failure
		}
		s.key = key
		call, err := s.client.hats.WatchHats(ctx, s.request)
		if err != nil {
			return nil, err
		}
		s.call = call
		under := call.Context()
		s.under.Store(&under)
	}
	return s.call.Recv()
}
