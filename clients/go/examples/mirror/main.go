// Command mirror shows what the people of a room wear, as it is displayed, and again whenever it changes,
// until it is interrupted.
//
// Usage: mirror [ROOM [TARGET [LANGUAGE]]]
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"

	"github.com/hatd/hatd/clients/go"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	room, target, language := "room@conference.localhost", "http://127.0.0.1:50051", ""
	for index, argument := range []*string{&room, &target, &language} {
		if len(os.Args) > index+1 {
			*argument = os.Args[index+1]
		}
	}
	if err := mirror(ctx, room, target, language); err != nil && !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}

func mirror(ctx context.Context, room, target, language string) error {
	client, err := hatd.Connect(target)
	if err != nil {
		return err
	}
	defer client.Close()

	mirror := client.Mirror(hatd.Room(room))
	for change, err := range mirror.Changes(ctx) {
		if err != nil {
			return err
		}
		users := []string{change.UserJID}
		if change.UserJID == "" {
			// The catalogue has changed: titles may be others for everybody.
			users = nil
			for _, document := range mirror.Users(change.RoomJID) {
				users = append(users, document.GetUserJid())
			}
		}
		for _, user := range users {
			var titles []string
			for _, hat := range mirror.Hats(change.RoomJID, user, language) {
				titles = append(titles, hat.Title)
			}
			if titles == nil {
				titles = []string{"no hat"}
			}
			fmt.Printf("%s: %s\n", user, strings.Join(titles, ", "))
		}
	}
	return nil
}
