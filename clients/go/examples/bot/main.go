// Command bot is a program of a moderator: it gives a user a hat, or takes it with -take, and says how
// the room shows the user then.
//
// Usage: bot [-take] [-target TARGET] ROOM USER HAT
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"time"

	"github.com/hatd/hatd/clients/go"
	"github.com/hatd/hatd/clients/go/hatdpb"
)

func main() {
	take := flag.Bool("take", false, "take the hat")
	target := flag.String("target", "http://127.0.0.1:50051", "where hatd is")
	flag.Parse()
	if flag.NArg() != 3 {
		log.Fatal("usage: bot [-take] [-target TARGET] ROOM USER HAT")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := bot(ctx, *target, flag.Arg(0), flag.Arg(1), flag.Arg(2), *take); err != nil {
		log.Fatal(err)
	}
}

func bot(ctx context.Context, target, room, user, hat string, take bool) error {
	client, err := hatd.Connect(target)
	if err != nil {
		return err
	}
	defer client.Close()
	mirror := client.Mirror(hatd.Room(room))

	var answer hatd.Answer
	if take {
		request := &hatdpb.RemoveUserHatRequest{RoomJid: room, UserJid: user, HatId: hat}
		answer, err = client.RemoveUserHat(ctx, request)
	} else {
		answer, err = client.GiveHat(ctx, room, user, hat)
	}
	if err != nil {
		return err
	}
	// The mirror follows by itself: this is when it shows what was just written.
	if err := mirror.WaitFor(ctx, answer); err != nil {
		return err
	}
	fmt.Printf("%s wears", user)
	for _, shown := range mirror.Hats(room, user, "") {
		fmt.Printf(" [%s]", shown.Title)
	}
	fmt.Println()
	return nil
}
