package hatd

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/hatd/hatd/clients/go/hatdpb"
)

const room = "room@conference.localhost"

var now = time.Unix(1_800_000_000, 0)

func reset(after string) *hatdpb.WatchHatsResponse {
	event := &hatdpb.WatchHatsResponse_Reset_{Reset_: &hatdpb.WatchReset{}}
	return &hatdpb.WatchHatsResponse{After: after, Event: event}
}

func pageOf(token string) *hatdpb.WatchHatsResponse {
	page := &hatdpb.WatchSnapshot{Complete: token != ""}
	event := &hatdpb.WatchHatsResponse_Snapshot{Snapshot: page}
	return &hatdpb.WatchHatsResponse{Token: token, Event: event}
}

func changes(after, token string, revisions ...uint64) *hatdpb.WatchHatsResponse {
	changes := &hatdpb.WatchChanges{}
	for _, revision := range revisions {
		changes.Commits = append(changes.Commits, &hatdpb.Commit{RoomJid: room, Revision: revision})
	}
	event := &hatdpb.WatchHatsResponse_Changes{Changes: changes}
	return &hatdpb.WatchHatsResponse{After: after, Token: token, Event: event}
}

func bookmark(after, token string) *hatdpb.WatchHatsResponse {
	event := &hatdpb.WatchHatsResponse_Bookmark{Bookmark: &hatdpb.WatchBookmark{}}
	return &hatdpb.WatchHatsResponse{After: after, Token: token, Event: event}
}

// whole is what a server sends of a watch: a snapshot of two pages, changes in its midst, and what follows.
func whole() []*hatdpb.WatchHatsResponse {
	return []*hatdpb.WatchHatsResponse{
		reset(""), pageOf(""), changes("", "", 9), pageOf("t1"), bookmark("t1", "t2"),
		changes("t2", "t3", 10, 11), changes("t3", "t4", 12), bookmark("t4", "t5"),
	}
}

// from is what a server that holds whole sends to a request.
func from(request *hatdpb.WatchHatsRequest) []*hatdpb.WatchHatsResponse {
	responses := whole()
	if token := request.GetResumeToken(); token != "" {
		for responses[0].GetAfter() != token {
			responses = responses[1:]
		}
	}
	return responses
}

func newTestCursor(options ...WatchOption) *cursor {
	return newCursor(newWatchSettings(options), false)
}

// take takes responses that must be events, and comes back from each.
func take(t *testing.T, c *cursor, responses ...*hatdpb.WatchHatsResponse) {
	t.Helper()
	for _, response := range responses {
		if _, err := c.take(response, now); err != nil {
			t.Fatalf("%v: %v", response, err)
		}
		c.advance()
	}
}

func TestATokenCountsOnceTheCallerIsBack(t *testing.T) {
	c := newTestCursor(Room(room))
	take(t, c, whole()[:3]...)
	if _, err := c.take(pageOf("t1"), now); err != nil {
		t.Fatal(err)
	}
	if c.status.Token != "" {
		t.Errorf("the last page is not processed yet: %q", c.status.Token)
	}
	c.advance()
	if c.status.Token != "t1" {
		t.Errorf("at %q", c.status.Token)
	}
}

func TestCutAfterEveryNthResponseItShowsTheSame(t *testing.T) {
	for n := 1; n <= len(whole()); n++ {
		c := newTestCursor(Room(room))
		var revisions []uint64
		cuts := 0
		for c.status.Token != "t5" {
			length := n
			if c.status.Token == "" {
				// A snapshot that is always cut never ends.
				length = max(n, 4)
			}
			responses := from(c.open())
			for _, response := range responses[:min(length, len(responses))] {
				event, err := c.take(response, now)
				if err != nil {
					t.Fatalf("n = %d: %v", n, err)
				}
				if changes, ok := event.(Changes); ok && !c.inSnapshot {
					for _, commit := range changes.Commits {
						revisions = append(revisions, commit.GetRevision())
					}
				}
				c.advance()
			}
			if _, err := c.disconnect(io.ErrUnexpectedEOF, 0); err != nil {
				t.Fatal(err)
			}
			if cuts++; cuts > 100 {
				t.Fatalf("n = %d: it does not get on", n)
			}
		}
		if fmt.Sprint(revisions) != "[10 11 12]" || c.status.ChainBreaks != 0 {
			t.Errorf("n = %d: %v, %+v", n, revisions, c.status)
		}
	}
}

func TestWhatWasLostIsNoticed(t *testing.T) {
	for _, test := range []struct {
		response *hatdpb.WatchHatsResponse
		err      error
	}{
		{changes("t3", "t4", 12), ErrChainBroken},
		{bookmark("t1", "t2"), ErrChainBroken},
		{changes("t2", "t3", 11, 11), ErrRevisionNotRising},
		{&hatdpb.WatchHatsResponse{After: "t2", Token: "t3"}, ErrUnknownEvent},
	} {
		c := newTestCursor(Room(room))
		take(t, c, whole()[:5]...)
		_, err := c.take(test.response, now)
		if !errors.Is(err, test.err) {
			t.Errorf("%v: %v", test.response, err)
		}
		if _, err := c.disconnect(err, time.Second); err != nil {
			t.Fatal(err)
		}
		isLoss := !errors.Is(test.err, ErrUnknownEvent)
		if startsAnew := c.open().GetSnapshot() != nil; startsAnew != isLoss {
			t.Errorf("after %v: %v", err, c.open())
		}
		if (c.status.ChainBreaks == 1) != isLoss || c.status.Reconnects != 1 {
			t.Errorf("after %v: %+v", err, c.status)
		}
	}
}

func TestOnlyWhatANewStreamWouldNotMendEndsAWatch(t *testing.T) {
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		c := newTestCursor(Room(room))
		_, err := c.disconnect(newError(code, nil, "no"), 0)
		ends := map[codes.Code]bool{
			codes.InvalidArgument: true, codes.Unauthenticated: true, codes.PermissionDenied: true,
			codes.Unimplemented: true, codes.DataLoss: true,
		}
		if (err != nil) != ends[code] {
			t.Errorf("%v: %v", code, err)
		}
	}
}
