package main

import (
	"context"
	"encoding/json"

	"github.com/hatd/hatd/clients/go"
)

// A watch is a watch of which one command at a time asks for the next event.
type watch struct {
	*hatd.Watch
	turn chan struct{}
}

func (a *adapter) openWatch(_ context.Context, c command) (any, error) {
	client, err := a.connected()
	if err != nil {
		return nil, err
	}
	shared, err := c.Options.shared()
	if err != nil {
		return nil, err
	}
	var options []hatd.WatchOption
	for _, option := range shared {
		options = append(options, option)
	}
	start, err := c.Options.start()
	if err != nil {
		return nil, err
	}
	options = append(options, start...)
	switch c.Options.OnExpired {
	case "", "RESET":
	case "FAIL":
		options = append(options, hatd.FailIfExpired())
	default:
		return nil, badCommandf("unknown on_expired %q", c.Options.OnExpired)
	}
	if c.Options.AtLeastToken != "" {
		options = append(options, hatd.AtLeast(c.Options.AtLeastToken))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.watches[c.Watch] = &watch{client.Watch(options...), make(chan struct{}, 1)}
	return object{}, nil
}

// start returns the options about where a watch starts.
func (o options) start() ([]hatd.WatchOption, error) {
	if len(o.Start) == 0 {
		return nil, nil
	}
	var name string
	if err := json.Unmarshal(o.Start, &name); err == nil {
		switch name {
		case "snapshot":
			return nil, nil
		case "now":
			return []hatd.WatchOption{hatd.FromNow()}, nil
		}
	}
	var after struct {
		ResumeToken *string `json:"resume_token"`
	}
	if err := json.Unmarshal(o.Start, &after); err != nil || after.ResumeToken == nil {
		return nil, badCommandf("unknown start %s", o.Start)
	}
	return []hatd.WatchOption{hatd.FromToken(*after.ResumeToken)}, nil
}

func (a *adapter) next(ctx context.Context, c command) (any, error) {
	watch, err := named(a, a.watches, c.Watch)
	if err != nil {
		return nil, err
	}
	watch.turn <- struct{}{}
	defer func() { <-watch.turn }()
	event, err := watch.Next(ctx)
	if err != nil {
		return nil, err
	}
	return describeEvent(event)
}

func describeEvent(event hatd.Event) (any, error) {
	described := object{"token": event.ResumeToken()}
	switch event := event.(type) {
	case hatd.Reset:
		described["kind"] = "reset"
		described["reason"] = event.Reason.String()
	case hatd.Snapshot:
		page, err := encode(event.Page)
		if err != nil {
			return nil, err
		}
		described["kind"] = "snapshot"
		described["page"] = page
	case hatd.Changes:
		commits, err := encodeAll(event.Commits)
		if err != nil {
			return nil, err
		}
		described["kind"] = "changes"
		described["commits"] = commits
	case hatd.Bookmark:
		described["kind"] = "bookmark"
	}
	return described, nil
}

func (a *adapter) watchStatus(_ context.Context, c command) (any, error) {
	watch, err := named(a, a.watches, c.Watch)
	if err != nil {
		return nil, err
	}
	return describeStatus(watch.Status()), nil
}

func describeStatus(status hatd.WatchStatus) object {
	return object{
		"token":        status.Token,
		"reconnects":   status.Reconnects,
		"resets":       status.Resets,
		"chain_breaks": status.ChainBreaks,
	}
}

func (a *adapter) closeWatch(_ context.Context, c command) (any, error) {
	watch, err := named(a, a.watches, c.Watch)
	if err != nil {
		return nil, err
	}
	return object{}, watch.Close()
}
