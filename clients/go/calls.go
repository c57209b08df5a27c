package hatd

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/hatd/hatd/clients/go/hatdpb"
)

// The methods of this file are the RPCs of the contract, which describes them in full. What holds for
// all of them: they last until the deadline of their context or, if it has none, as long as
// WithReadTimeout and WithWriteTimeout say; until then they try again while the server is UNAVAILABLE;
// a write gets a request id if it has none, so that it is done once; no request is written to.

// AddUserHat puts a hat into a user's wardrobe, or replaces how the user has it. [Client.GiveHat] adds a hat
// that is worn.
func (c *Client) AddUserHat(
	ctx context.Context, request *hatdpb.AddUserHatRequest,
) (*hatdpb.AddUserHatResponse, error) {
	return write(ctx, c, c.hats.AddUserHat, request)
}

// GiveHat puts a hat on a user: adds it with Active set, where the bare RPC would add it unworn. Options
// say more about how the user has it.
func (c *Client) GiveHat(
	ctx context.Context, roomJID, userJID, hatID string, options ...HatOption,
) (*hatdpb.AddUserHatResponse, error) {
	attachment := &hatdpb.Attachment{Active: true}
	for _, option := range options {
		option(attachment)
	}
	return c.AddUserHat(ctx, &hatdpb.AddUserHatRequest{
		RoomJid:    roomJID,
		UserJid:    userJID,
		HatId:      hatID,
		Attachment: attachment,
	})
}

// A HatOption says how a user has a hat that [Client.GiveHat] gives.
type HatOption func(*hatdpb.Attachment)

// WithTitle displays this title for the user in place of the definition's: up to 256 bytes.
func WithTitle(title string) HatOption {
	return func(attachment *hatdpb.Attachment) { attachment.Title = title }
}

// Required lets the user neither doff nor discard the hat.
func Required() HatOption {
	return func(attachment *hatdpb.Attachment) { attachment.Required = true }
}

// Until ends the hat at this time, at most a second late.
func Until(end time.Time) HatOption {
	return func(attachment *hatdpb.Attachment) { attachment.ExpireTime = timestamppb.New(end) }
}

// RemoveUserHat takes a hat out of a user's wardrobe. An absent hat is a success that changed nothing.
func (c *Client) RemoveUserHat(
	ctx context.Context, request *hatdpb.RemoveUserHatRequest,
) (*hatdpb.RemoveUserHatResponse, error) {
	return write(ctx, c, c.hats.RemoveUserHat, request)
}

// SetUserHats makes the listed hats exactly the user's, or exactly those of the user's with a prefix.
func (c *Client) SetUserHats(
	ctx context.Context, request *hatdpb.SetUserHatsRequest,
) (*hatdpb.SetUserHatsResponse, error) {
	return write(ctx, c, c.hats.SetUserHats, request)
}

// SetHatWearers makes the listed users exactly those who have the hat in the room.
func (c *Client) SetHatWearers(
	ctx context.Context, request *hatdpb.SetHatWearersRequest,
) (*hatdpb.SetHatWearersResponse, error) {
	return write(ctx, c, c.hats.SetHatWearers, request)
}

// UpdateRoomHats does up to 500 operations on one room in one commit, all or nothing.
func (c *Client) UpdateRoomHats(
	ctx context.Context, request *hatdpb.UpdateRoomHatsRequest,
) (*hatdpb.UpdateRoomHatsResponse, error) {
	return write(ctx, c, c.hats.UpdateRoomHats, request)
}

// GetUserHats reads one user's document in one room.
func (c *Client) GetUserHats(
	ctx context.Context, request *hatdpb.GetUserHatsRequest,
) (*hatdpb.GetUserHatsResponse, error) {
	return read(ctx, c, c.hats.GetUserHats, request)
}

// ListRoomHats reads a page of the documents of a room that have hats. [Client.AllRoomHats] follows
// the pages.
func (c *Client) ListRoomHats(
	ctx context.Context, request *hatdpb.ListRoomHatsRequest,
) (*hatdpb.ListRoomHatsResponse, error) {
	return read(ctx, c, c.hats.ListRoomHats, request)
}

// ListUserHats reads a page of a user's documents that have hats. [Client.AllUserHats] follows the
// pages.
func (c *Client) ListUserHats(
	ctx context.Context, request *hatdpb.ListUserHatsRequest,
) (*hatdpb.ListUserHatsResponse, error) {
	return read(ctx, c, c.hats.ListUserHats, request)
}

// DefineHat creates or replaces a definition in a room's catalogue.
func (c *Client) DefineHat(
	ctx context.Context, request *hatdpb.DefineHatRequest,
) (*hatdpb.DefineHatResponse, error) {
	return write(ctx, c, c.hats.DefineHat, request)
}

// DestroyHat takes a hat off everybody in a room and out of its catalogue.
func (c *Client) DestroyHat(
	ctx context.Context, request *hatdpb.DestroyHatRequest,
) (*hatdpb.DestroyHatResponse, error) {
	return write(ctx, c, c.hats.DestroyHat, request)
}

// ListHatDefinitions reads a page of a room's catalogue. [Client.AllHatDefinitions] follows the pages.
func (c *Client) ListHatDefinitions(
	ctx context.Context, request *hatdpb.ListHatDefinitionsRequest,
) (*hatdpb.ListHatDefinitionsResponse, error) {
	return read(ctx, c, c.hats.ListHatDefinitions, request)
}

// PutRoom creates a room, or changes its settings.
func (c *Client) PutRoom(
	ctx context.Context, request *hatdpb.PutRoomRequest,
) (*hatdpb.PutRoomResponse, error) {
	return write(ctx, c, c.rooms.PutRoom, request)
}

// GetRoom reads a room.
func (c *Client) GetRoom(
	ctx context.Context, request *hatdpb.GetRoomRequest,
) (*hatdpb.GetRoomResponse, error) {
	return read(ctx, c, c.rooms.GetRoom, request)
}

// ListRooms reads a page of the rooms. [Client.AllRooms] follows the pages.
func (c *Client) ListRooms(
	ctx context.Context, request *hatdpb.ListRoomsRequest,
) (*hatdpb.ListRoomsResponse, error) {
	return read(ctx, c, c.rooms.ListRooms, request)
}

// DeleteRoom deletes a room, its catalogue and all its documents.
func (c *Client) DeleteRoom(
	ctx context.Context, request *hatdpb.DeleteRoomRequest,
) (*hatdpb.DeleteRoomResponse, error) {
	return write(ctx, c, c.rooms.DeleteRoom, request)
}

// SetAffiliation sets what a user is to a room.
func (c *Client) SetAffiliation(
	ctx context.Context, request *hatdpb.SetAffiliationRequest,
) (*hatdpb.SetAffiliationResponse, error) {
	return write(ctx, c, c.rooms.SetAffiliation, request)
}

// ListAffiliations reads a page of the affiliations of a room other than NONE. [Client.AllAffiliations]
// follows the pages.
func (c *Client) ListAffiliations(
	ctx context.Context, request *hatdpb.ListAffiliationsRequest,
) (*hatdpb.ListAffiliationsResponse, error) {
	return read(ctx, c, c.rooms.ListAffiliations, request)
}

// SyncRooms brings rooms and their affiliations up to date in bulk.
func (c *Client) SyncRooms(
	ctx context.Context, request *hatdpb.SyncRoomsRequest,
) (*hatdpb.SyncRoomsResponse, error) {
	return write(ctx, c, c.rooms.SyncRooms, request)
}

// ForgetUser removes a user from every room.
func (c *Client) ForgetUser(
	ctx context.Context, request *hatdpb.ForgetUserRequest,
) (*hatdpb.ForgetUserResponse, error) {
	return write(ctx, c, c.rooms.ForgetUser, request)
}

// WearHat wears a hat that the user has.
func (c *Client) WearHat(
	ctx context.Context, request *hatdpb.WearHatRequest,
) (*hatdpb.WearHatResponse, error) {
	return write(ctx, c, c.wardrobe.WearHat, request)
}

// DoffHat takes off a hat that the user has, unless it is required.
func (c *Client) DoffHat(
	ctx context.Context, request *hatdpb.DoffHatRequest,
) (*hatdpb.DoffHatResponse, error) {
	return write(ctx, c, c.wardrobe.DoffHat, request)
}

// ClaimHat takes a hat whose definition is self-assignable, and wears it.
func (c *Client) ClaimHat(
	ctx context.Context, request *hatdpb.ClaimHatRequest,
) (*hatdpb.ClaimHatResponse, error) {
	return write(ctx, c, c.wardrobe.ClaimHat, request)
}

// DiscardHat gives up a hat that the user has, unless it is required.
func (c *Client) DiscardHat(
	ctx context.Context, request *hatdpb.DiscardHatRequest,
) (*hatdpb.DiscardHatResponse, error) {
	return write(ctx, c, c.wardrobe.DiscardHat, request)
}
