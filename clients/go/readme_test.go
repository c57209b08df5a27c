package hatd_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/hatd/hatd/clients/go"
	"github.com/hatd/hatd/clients/go/hatdpb"
)

// What the README shows, so that it compiles.

func calls(ctx context.Context, client *hatd.Client, room, user string) error {
	document, err := client.GetUserHats(ctx, &hatdpb.GetUserHatsRequest{RoomJid: room, UserJid: user})
	for room, err := range client.AllRooms(ctx, &hatdpb.ListRoomsRequest{}) {
		if err != nil {
			return err
		}
		fmt.Println(room.GetRoomJid())
	}
	fmt.Println(document)
	return err
}

func security(ca, certificate, key []byte) (*hatd.Client, error) {
	client, err := hatd.Connect("https://hats.example.com",
		hatd.WithRootCA(ca), hatd.WithClientCertificate(certificate, key),
		hatd.WithAPIKeyFrom(func(context.Context) (string, error) {
			text, err := os.ReadFile("/run/secrets/hatd")
			return strings.TrimSpace(string(text)), err
		}))
	return client, err
}

func failures(ctx context.Context, client *hatd.Client, room, user, hat string) {
	_, err := client.GiveHat(ctx, room, user, hat)
	var failure *hatd.Error
	switch {
	case errors.Is(err, hatd.ErrUserNotAffiliated):
		errors.As(err, &failure)
		fmt.Println(failure.Metadata["user_jid"], "has left")
	case errors.Is(err, context.DeadlineExceeded):
		fmt.Println("no answer in time")
	}
}

func mirrors(ctx context.Context, client *hatd.Client, room, user, hat string) error {
	mirror := client.Mirror(hatd.Room(room))
	defer mirror.Close()
	given, err := client.GiveHat(ctx, room, user, hat)
	if err != nil {
		return err
	}
	if err := mirror.WaitFor(ctx, given); err != nil { // Read your own writes.
		return err
	}
	for _, hat := range mirror.Hats(room, user, "de") {
		fmt.Println(hat.Title)
	}
	for change, err := range mirror.Changes(ctx) {
		if err != nil {
			return err
		}
		fmt.Println(change.RoomJID, change.UserJID, "is different")
	}
	return nil
}

func TestWhatTheReadmeShowsCompiles(t *testing.T) {
	_, _, _, _ = calls, security, failures, mirrors
	sources := ""
	for _, name := range []string{"readme_test.go", "examples/quick_start/main.go"} {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sources += string(source)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(readme), "```go\n")[1:]
	for _, part := range parts {
		snippet, _, _ := strings.Cut(part, "```")
		lines := strings.Split(strings.TrimSuffix(snippet, "\n"), "\n")
		if strings.Contains(snippet, "package main") {
			if !strings.Contains(sources, snippet) {
				t.Error("the quick start is not examples/quick_start")
			}
			continue
		}
		for index, line := range lines {
			if line != "" {
				lines[index] = "\t" + line
			}
		}
		if !strings.Contains(sources, strings.Join(lines, "\n")) {
			t.Errorf("not in readme_test.go:\n%s", snippet)
		}
	}
	if len(parts) < 5 {
		t.Errorf("only %d snippets", len(parts))
	}
}
