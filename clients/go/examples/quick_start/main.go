// Command quick_start makes a room, lets a user in, gives the user a hat, and watches the room until all
// that there is has come.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/hatd/hatd/clients/go"
	"github.com/hatd/hatd/clients/go/hatdpb"
)

func main() {
	if err := run(context.Background(), "room@conference.localhost", "user@localhost"); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, room, user string) error {
	client, err := hatd.Connect("http://127.0.0.1:50051")
	if err != nil {
		return err
	}
	defer client.Close()

	if _, err := client.PutRoom(ctx, &hatdpb.PutRoomRequest{RoomJid: room}); err != nil {
		return err
	}
	member := &hatdpb.SetAffiliationRequest{
		RoomJid: room, UserJid: user, Affiliation: hatdpb.Affiliation_AFFILIATION_MEMBER,
	}
	if _, err := client.SetAffiliation(ctx, member); err != nil {
		return err
	}
	hat := "urn:uuid:164c41a2-7461-4cff-bdae-3f93078a6607"
	if _, err := client.GiveHat(ctx, room, user, hat); err != nil {
		return err
	}

	for event, err := range client.Watch(hatd.Room(room)).Events(ctx) {
		if err != nil {
			return err
		}
		fmt.Printf("%T %+v\n", event, event)
		if _, upToDate := event.(hatd.Bookmark); upToDate {
			break
		}
	}
	return nil
}
