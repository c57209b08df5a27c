package hatd

import (
	"context"
	"iter"

	"google.golang.org/protobuf/proto"

	"github.com/hatd/hatd/clients/go/hatdpb"
)

// pageSize is how many items are asked for a page, unless the request says how many: the server's most.
const pageSize = 1_000

// The iterators of this file follow a list's pages to its end. A page is asked for when the one before
// it is used up; each call has a read timeout of its own, and ctx bounds them all. Pages need not show
// the list at one moment; none misses or repeats an item that stayed. An error comes last, with a nil
// item. Ranging over an iterator again reads the list again.

// AllRoomHats lists the documents of a room that have hats, by user JID.
func (c *Client) AllRoomHats(
	ctx context.Context, request *hatdpb.ListRoomHatsRequest,
) iter.Seq2[*hatdpb.UserHats, error] {
	return pages(ctx, c.ListRoomHats, request, (*hatdpb.ListRoomHatsResponse).GetUsers)
}

// AllUserHats lists a user's documents that have hats, by room.
func (c *Client) AllUserHats(
	ctx context.Context, request *hatdpb.ListUserHatsRequest,
) iter.Seq2[*hatdpb.UserHats, error] {
	return pages(ctx, c.ListUserHats, request, (*hatdpb.ListUserHatsResponse).GetRooms)
}

// AllHatDefinitions lists a room's catalogue, by hat id.
func (c *Client) AllHatDefinitions(
	ctx context.Context, request *hatdpb.ListHatDefinitionsRequest,
) iter.Seq2[*hatdpb.HatDefinition, error] {
	return pages(ctx, c.ListHatDefinitions, request, (*hatdpb.ListHatDefinitionsResponse).GetDefinitions)
}

// AllRooms lists the rooms, by domain and then local part.
func (c *Client) AllRooms(
	ctx context.Context, request *hatdpb.ListRoomsRequest,
) iter.Seq2[*hatdpb.Room, error] {
	return pages(ctx, c.ListRooms, request, (*hatdpb.ListRoomsResponse).GetRooms)
}

// AllAffiliations lists the affiliations of a room other than NONE, by user JID.
func (c *Client) AllAffiliations(
	ctx context.Context, request *hatdpb.ListAffiliationsRequest,
) iter.Seq2[*hatdpb.UserAffiliation, error] {
	return pages(ctx, c.ListAffiliations, request, (*hatdpb.ListAffiliationsResponse).GetAffiliations)
}

// A pageRequest asks for a page of a list.
type pageRequest interface {
	proto.Message
	GetPageSize() int32
}

// A page is a page of a list.
type page interface {
	GetNextPageToken() string
}

// pages yields the items of the pages that list answers.
func pages[Q pageRequest, P page, T any](
	ctx context.Context,
	list func(context.Context, Q) (P, error),
	request Q,
	items func(P) []*T,
) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		request := request
		if request.GetPageSize() == 0 {
			request = with(request, "page_size", int32(pageSize))
		}
		for {
			page, err := list(ctx, request)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, item := range items(page) {
				if !yield(item, nil) {
					return
				}
			}
			if page.GetNextPageToken() == "" {
				return
			}
			request = with(request, "page_token", page.GetNextPageToken())
		}
	}
}
