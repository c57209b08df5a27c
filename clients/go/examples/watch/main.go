// Command watch prints who has which hats in a room, then each change, until it is interrupted.
//
// Usage: watch [ROOM [TARGET]]
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/hatd/hatd/clients/go"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	room, target := "room@conference.localhost", "http://127.0.0.1:50051"
	for index, argument := range []*string{&room, &target} {
		if len(os.Args) > index+1 {
			*argument = os.Args[index+1]
		}
	}
	if err := watch(ctx, room, target); err != nil && !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}

func watch(ctx context.Context, room, target string) error {
	client, err := hatd.Connect(target)
	if err != nil {
		return err
	}
	defer client.Close()

	// The server may start later: the watch connects by itself, and again whenever it must.
	hooks := hatd.Hooks{Disconnected: func(cause error, retryIn time.Duration) {
		log.Printf("%v; trying again in %v", cause, retryIn)
	}}
	for event, err := range client.Watch(hatd.Room(room), hatd.WithHooks(hooks)).Events(ctx) {
		if err != nil {
			return err
		}
		switch event := event.(type) {
		case hatd.Reset:
			fmt.Println("what follows takes the place of what was printed:", event.Reason)
		case hatd.Snapshot:
			for _, document := range event.Page.GetUsers() {
				fmt.Println(document.GetUserJid(), "has", document.GetHats())
			}
		case hatd.Changes:
			for _, commit := range event.Commits {
				for _, change := range commit.GetUsers() {
					document := change.GetUserHats()
					fmt.Println(document.GetUserJid(), "now has", document.GetHats())
				}
			}
		case hatd.Bookmark:
			fmt.Println("up to date; resume with", event.Token)
		}
	}
	return nil
}
