package hatd

import (
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/hatd/hatd/clients/go/hatdpb"
)

const (
	// reconnectBase bounds the first delay before connecting again. Our choice.
	reconnectBase = 100 * time.Millisecond
	// healthy is how long a stream must have lasted for the delays to be short again. Our choice.
	healthy = 2 * time.Minute
	// revisionsMax is of how many rooms the last revision is remembered, to hold the next one to. Our
	// choice: some MiB at most.
	revisionsMax = 1 << 16
)

// Why a stream ended, for [Hooks]. The watch goes on after each.
var (
	// ErrGoAway says that the server ended the stream in good order, by age or because it stops.
	ErrGoAway = errors.New("the server said go away")
	// ErrStreamEnded says that the stream ended without a word.
	ErrStreamEnded = errors.New("the stream ended")
	// ErrSilent says that nothing came for two and a half heartbeat intervals.
	ErrSilent = errors.New("the stream fell silent")
	// ErrChainBroken says that a response does not follow the one before it: something was lost on
	// the way. The watch starts again with a snapshot.
	ErrChainBroken = errors.New("the chain of tokens is broken")
	// ErrRevisionNotRising says that a revision of a room does not rise. The watch starts again with a
	// snapshot.
	ErrRevisionNotRising = errors.New("a revision does not rise")
	// ErrUnknownEvent says that a response has no event that this version of the package knows.
	ErrUnknownEvent = errors.New("a response holds no known event")
)

// goAway is an ErrGoAway with what the server asks for.
type goAway struct {
	reason     hatdpb.GoAwayReason
	retryAfter time.Duration
}

func (g *goAway) Error() string {
	return fmt.Sprintf("%v: %v, and come back in %v", ErrGoAway, g.reason, g.retryAfter)
}

func (g *goAway) Unwrap() error { return ErrGoAway }

// A WatchStatus says what a watch has been through.
type WatchStatus struct {
	// Token is the position after the last event that is processed, to resume with. Empty: start
	// with a snapshot. The event that the caller is at has a token of its own.
	Token string
	// Reconnects is how often the stream ended, or could not be opened, and the watch went on.
	Reconnects uint64
	// Resets is how many resets came, that of an initial snapshot included.
	Resets uint64
	// ChainBreaks is how often something was found to be lost, and the watch started again with a
	// snapshot.
	ChainBreaks uint64
	// LastResponse is when the last response came. Zero: none has.
	LastResponse time.Time
}

// A cursor decides what a watch does: what it asks for, what a response means, and what follows from
// the end of a stream. It does no I/O.
type cursor struct {
	// request is what every stream asks for, but for its start.
	request *hatdpb.WatchHatsRequest
	start   start
	status  WatchStatus
	delays  backoff

	// given is the token of the event that the caller has. It is the position once the caller is
	// back. Nil: the caller has none.
	given *string
	// inSnapshot says that a reset has come and its last page has not.
	inSnapshot bool
	// revisions are the last ones seen in changes, by room.
	revisions map[string]uint64
	// mayRefresh says that another API key may help against UNAUTHENTICATED.
	mayRefresh bool
	hasSource  bool
	ended      bool
}

func newCursor(settings watchSettings, hasKeySource bool) *cursor {
	return &cursor{
		request: &hatdpb.WatchHatsRequest{
			Selectors:         settings.selectors,
			Delivery:          hatdpb.Delivery_DELIVERY_EVERY_COMMIT,
			OnExpired:         settings.onExpired,
			HeartbeatInterval: durationpb.New(settings.heartbeatInterval),
			AtLeastToken:      settings.atLeastToken,
		},
		start:      settings.start,
		status:     WatchStatus{Token: settings.resumeToken},
		delays:     backoff{base: reconnectBase, max: settings.reconnectDelayMax},
		revisions:  make(map[string]uint64),
		mayRefresh: hasKeySource,
		hasSource:  hasKeySource,
	}
}

// advance says that the caller has processed the event given.
func (c *cursor) advance() {
	if c.given != nil {
		c.status.Token, c.given = *c.given, nil
	}
}

// open returns what to ask for on a new stream.
func (c *cursor) open() *hatdpb.WatchHatsRequest {
	c.inSnapshot = false
	request := shallowCopy(c.request)
	switch {
	// The server says what is wrong with an empty token.
	case c.status.Token != "" || c.start == startToken:
		request.Start = &hatdpb.WatchHatsRequest_ResumeToken{ResumeToken: c.status.Token}
	case c.start == startNow:
		request.Start = &hatdpb.WatchHatsRequest_Now{Now: &hatdpb.StartNow{}}
	default:
		request.Start = &hatdpb.WatchHatsRequest_Snapshot{Snapshot: &hatdpb.StartSnapshot{}}
	}
	return request
}

// askFor asks for a position on the streams that follow, until a bookmark has passed it, even if an error
// had ended the watch.
func (c *cursor) askFor(atLeastToken string) {
	c.request.AtLeastToken = atLeastToken
	c.ended = false
}

// take checks a response against the one before, and makes it an event. An error is the end of the
// stream.
func (c *cursor) take(response *hatdpb.WatchHatsResponse, now time.Time) (Event, error) {
	c.status.LastResponse = now
	c.mayRefresh = c.hasSource
	if response.GetAfter() != c.status.Token {
		return nil, ErrChainBroken
	}
	// From here on, a stream without a token to resume with starts with the state: what FromNow has
	// let pass is not to be let pass twice.
	c.start = startSnapshot

	token := response.GetToken()
	var taken Event
	switch event := response.GetEvent().(type) {
	case *hatdpb.WatchHatsResponse_Reset_:
		c.status.Resets++
		c.inSnapshot = true
		clear(c.revisions)
		taken = Reset{Reason: event.Reset_.GetReason()}
	case *hatdpb.WatchHatsResponse_Snapshot:
		if event.Snapshot.GetComplete() {
			c.inSnapshot = false
		}
		taken = Snapshot{Page: event.Snapshot, Token: token}
	case *hatdpb.WatchHatsResponse_Changes:
		if err := c.checkRevisions(event.Changes.GetCommits()); err != nil {
			return nil, err
		}
		taken = Changes{Commits: event.Changes.GetCommits(), Token: token}
	case *hatdpb.WatchHatsResponse_Bookmark:
		// The first bookmark has passed it; asking again could only fail.
		c.request.AtLeastToken = ""
		taken = Bookmark{ServerTime: event.Bookmark.GetServerTime().AsTime(), Token: token}
	case *hatdpb.WatchHatsResponse_GoAway:
		c.status.Token = token
		return nil, &goAway{
			reason:     event.GoAway.GetReason(),
			retryAfter: event.GoAway.GetRetryAfter().AsDuration(),
		}
	default:
		return nil, ErrUnknownEvent
	}
	c.given = &token
	return taken, nil
}

// checkRevisions checks that the revisions of each room rise. Within a snapshot they need not.
func (c *cursor) checkRevisions(commits []*hatdpb.Commit) error {
	if c.inSnapshot {
		return nil
	}
	for _, commit := range commits {
		room, revision := commit.GetRoomJid(), commit.GetRevision()
		last, known := c.revisions[room]
		if known && revision <= last {
			return fmt.Errorf("%w: %s", ErrRevisionNotRising, room)
		}
		if !known && len(c.revisions) >= revisionsMax {
			clear(c.revisions)
		}
		c.revisions[room] = revision
	}
	return nil
}

// disconnect ends the stream, for whatever cause: every way out of it leads through here. It returns
// how long to wait before opening another, or the error that ends the watch for good. lasted is how
// long ago the stream's first response came. Zero: none came.
func (c *cursor) disconnect(cause error, lasted time.Duration) (retryIn time.Duration, final *Error) {
	var hint time.Duration
	var failure *Error
	var away *goAway
	switch {
	case errors.Is(cause, ErrChainBroken), errors.Is(cause, ErrRevisionNotRising):
		c.status.ChainBreaks++
		c.status.Token = ""
		c.start = startSnapshot
		clear(c.revisions)
	case errors.As(cause, &away):
		hint = away.retryAfter
	case errors.As(cause, &failure):
		if c.endsForGood(failure) {
			c.ended = true
			return 0, failure
		}
		if failure.Code == codes.Unauthenticated {
			c.mayRefresh = false
		}
		hint = failure.RetryDelay
	}
	if lasted >= healthy {
		c.delays.reset()
	}
	c.status.Reconnects++
	return c.delays.delay(hint), nil
}

// endsForGood reports whether a new stream would end as this one did.
func (c *cursor) endsForGood(failure *Error) bool {
	switch failure.Code {
	case codes.InvalidArgument, codes.PermissionDenied, codes.Unimplemented, codes.DataLoss:
		return true
	case codes.Unauthenticated:
		return !c.mayRefresh
	}
	failsOnExpired := c.request.GetOnExpired() == hatdpb.OnExpired_ON_EXPIRED_FAIL
	switch failure.Reason {
	case ErrResumeTokenExpired:
		return failsOnExpired
	case ErrStoreMismatch:
		return failsOnExpired || c.request.GetAtLeastToken() != ""
	}
	return false
}

// streamError returns why a stream ended that returned err.
func streamError(err error) error {
	if err == io.EOF {
		return ErrStreamEnded
	}
	if failure, ok := err.(*Error); ok {
		return failure
	}
	return statusError(err)
}
