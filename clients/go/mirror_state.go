package hatd

import (
	"google.golang.org/protobuf/proto"

	"github.com/hatd/hatd/clients/go/hatdpb"
)

// mirrorState is what a mirror holds: the messages of the last events, which are replaced whole and
// never written to.
type mirrorState struct {
	rooms map[string]*mirrorRoom
	// revisions are the highest ones that came since the last reset, by room.
	revisions map[string]uint64
	// generation counts the resets. What is held of an older one is stale until it comes again, and
	// gone when the snapshot is complete without it.
	generation uint64
	// inSnapshot says that a reset has come and its last page has not.
	inSnapshot bool
	// changed is told what differs from before.
	changed func(Change)
}

// A mirrorRoom is what is held of one room.
type mirrorRoom struct {
	record      held[*hatdpb.Room]
	definitions map[string]held[*hatdpb.HatDefinition]
	users       map[string]held[*hatdpb.UserHats]
}

// held is a message and the generation in which it came last.
type held[M proto.Message] struct {
	message    M
	generation uint64
}

func newMirrorState(changed func(Change)) *mirrorState {
	return &mirrorState{
		rooms:     make(map[string]*mirrorRoom),
		revisions: make(map[string]uint64),
		changed:   changed,
	}
}

// apply takes an event in.
func (s *mirrorState) apply(event Event) {
	switch event := event.(type) {
	case Reset:
		s.generation++
		s.inSnapshot = true
		clear(s.revisions)
	case Snapshot:
		s.applyPage(event.Page)
	case Changes:
		for _, commit := range event.Commits {
			s.applyCommit(commit)
		}
	}
}

func (s *mirrorState) applyPage(page *hatdpb.WatchSnapshot) {
	for _, record := range page.GetRooms() {
		s.putRoom(record)
	}
	for _, definition := range page.GetDefinitions() {
		s.putDefinition(definition.GetRoomJid(), definition.GetDefinition())
	}
	for _, document := range page.GetUsers() {
		s.putDocument(document)
	}
	if page.GetComplete() {
		s.sweep()
		s.inSnapshot = false
	}
}

func (s *mirrorState) applyCommit(commit *hatdpb.Commit) {
	roomJID := commit.GetRoomJid()
	s.sawRevision(roomJID, commit.GetRevision())
	if commit.GetRoomDeleted() {
		s.deleteRoom(roomJID)
		return
	}
	if commit.GetRoom() != nil {
		s.putRoom(commit.GetRoom())
	}
	for _, definition := range commit.GetDefinitions() {
		s.putDefinition(roomJID, definition)
	}
	for _, hatID := range commit.GetRemovedDefinitions() {
		s.deleteDefinition(roomJID, hatID)
	}
	for _, user := range commit.GetUsers() {
		s.putDocument(user.GetUserHats())
	}
}

func (s *mirrorState) putRoom(record *hatdpb.Room) {
	roomJID := record.GetRoomJid()
	s.sawRevision(roomJID, record.GetRevision())
	room := s.room(roomJID)
	if !proto.Equal(room.record.message, record) {
		s.changed(Change{RoomJID: roomJID})
	}
	room.record = held[*hatdpb.Room]{record, s.generation}
}

func (s *mirrorState) putDefinition(roomJID string, definition *hatdpb.HatDefinition) {
	s.sawRevision(roomJID, definition.GetRevision())
	room := s.room(roomJID)
	if !proto.Equal(room.definitions[definition.GetHatId()].message, definition) {
		s.changed(Change{RoomJID: roomJID})
	}
	room.definitions[definition.GetHatId()] = held[*hatdpb.HatDefinition]{definition, s.generation}
}

func (s *mirrorState) deleteDefinition(roomJID, hatID string) {
	room, ok := s.rooms[roomJID]
	if !ok {
		return
	}
	if _, ok := room.definitions[hatID]; ok {
		delete(room.definitions, hatID)
		s.changed(Change{RoomJID: roomJID})
	}
	s.dropIfEmpty(roomJID, room)
}

// putDocument replaces a document. One without hats is gone.
func (s *mirrorState) putDocument(document *hatdpb.UserHats) {
	roomJID, userJID := document.GetRoomJid(), document.GetUserJid()
	s.sawRevision(roomJID, document.GetRevision())
	room := s.room(roomJID)
	before, had := room.users[userJID]
	if len(document.GetHats()) > 0 {
		if !had || !proto.Equal(before.message, document) {
			s.changed(Change{RoomJID: roomJID, UserJID: userJID})
		}
		room.users[userJID] = held[*hatdpb.UserHats]{document, s.generation}
		return
	}
	if had {
		delete(room.users, userJID)
		s.changed(Change{RoomJID: roomJID, UserJID: userJID})
	}
	s.dropIfEmpty(roomJID, room)
}

// deleteRoom drops a room, its catalogue and its documents.
func (s *mirrorState) deleteRoom(roomJID string) {
	room, ok := s.rooms[roomJID]
	if !ok {
		return
	}
	delete(s.rooms, roomJID)
	if room.record.message != nil || len(room.definitions) > 0 {
		s.changed(Change{RoomJID: roomJID})
	}
	for userJID := range room.users {
		s.changed(Change{RoomJID: roomJID, UserJID: userJID})
	}
}

// sweep drops what the snapshot did not name.
func (s *mirrorState) sweep() {
	for roomJID, room := range s.rooms {
		if room.record.message != nil && room.record.generation != s.generation {
			room.record = held[*hatdpb.Room]{}
			s.changed(Change{RoomJID: roomJID})
		}
		for hatID, definition := range room.definitions {
			if definition.generation != s.generation {
				delete(room.definitions, hatID)
				s.changed(Change{RoomJID: roomJID})
			}
		}
		for userJID, document := range room.users {
			if document.generation != s.generation {
				delete(room.users, userJID)
				s.changed(Change{RoomJID: roomJID, UserJID: userJID})
			}
		}
		s.dropIfEmpty(roomJID, room)
	}
}

// room returns what is held of a room, which may be nothing yet.
func (s *mirrorState) room(roomJID string) *mirrorRoom {
	room, ok := s.rooms[roomJID]
	if !ok {
		room = &mirrorRoom{
			definitions: make(map[string]held[*hatdpb.HatDefinition]),
			users:       make(map[string]held[*hatdpb.UserHats]),
		}
		s.rooms[roomJID] = room
	}
	return room
}

func (s *mirrorState) dropIfEmpty(roomJID string, room *mirrorRoom) {
	if room.record.message == nil && len(room.definitions) == 0 && len(room.users) == 0 {
		delete(s.rooms, roomJID)
	}
}

func (s *mirrorState) sawRevision(roomJID string, revision uint64) {
	s.revisions[roomJID] = max(s.revisions[roomJID], revision)
}
