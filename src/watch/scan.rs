//! The state of what is watched, read in pages.

use std::collections::VecDeque;

use super::selector::{Part, Selectors};
use crate::hat::{Document, HatDefinition, HatId, Room};
use crate::jid::{RoomJid, UserJid};
use crate::store::{DocumentFilter, Error, PageLimit, Store};

/// How large a page of a snapshot grows, as encoded. The contract says: under 256 KiB.
const PAGE_BYTES: usize = 250_000;

/// The least that is left of a page for reading on: more than any one record takes,
/// since a read answers its first record whatever its size.
const RECORD_BYTES: usize = 100_000;

/// How often a page reads from the store at most, so that a scan that finds little
/// still sends a page now and then. Our choice.
const READS_PER_PAGE: usize = 16;

/// How many records are read at once.
const READ_ITEMS: usize = 1_000;

/// A page of a snapshot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SnapshotPage {
    /// Rooms.
    pub rooms: Vec<(RoomJid, Room)>,
    /// Definitions.
    pub definitions: Vec<(RoomJid, HatDefinition)>,
    /// Documents that have hats.
    pub users: Vec<(RoomJid, UserJid, Document)>,
    /// Whether this is the last page.
    pub complete: bool,
}

impl SnapshotPage {
    fn bytes(&self) -> usize {
        let rooms =
            self.rooms.iter().map(|(room, _)| crate::store::room_bytes(room.as_str().len()));
        let definitions = self.definitions.iter().map(|(room, definition)| {
            let key_bytes = room.as_str().len() + definition.hat_id.as_str().len();
            crate::store::definition_bytes(key_bytes, definition)
        });
        let users = self.users.iter().map(|(room, user, document)| {
            let key_bytes = room.as_str().len() + user.as_str().len();
            crate::store::document_bytes(key_bytes, document)
        });
        rooms.chain(definitions).chain(users).sum()
    }
}

/// How far the state has been read.
pub(super) struct Scan {
    parts: VecDeque<Part>,
    after: After,
}

/// The last record read of the first part.
#[derive(Default)]
struct After {
    room: Option<RoomJid>,
    user: Option<UserJid>,
    hat: Option<HatId>,
}

impl After {
    fn document(&self) -> Option<(&RoomJid, &UserJid)> {
        self.room.as_ref().zip(self.user.as_ref())
    }

    fn definition(&self) -> Option<(&RoomJid, &HatId)> {
        self.room.as_ref().zip(self.hat.as_ref())
    }
}

impl Scan {
    pub(super) fn new(selectors: &Selectors) -> Self {
        Self { parts: selectors.plan().into(), after: After::default() }
    }

    /// The next page; none when all is read. A page may be empty.
    pub(super) async fn next_page(
        &mut self,
        store: &dyn Store,
        selectors: &Selectors,
    ) -> Result<Option<SnapshotPage>, Error> {
        let mut page = SnapshotPage::default();
        if self.parts.is_empty() {
            return Ok(None);
        }
        for _ in 0..READS_PER_PAGE {
            let Some(part) = self.parts.front().cloned() else { break };
            let left = PAGE_BYTES.saturating_sub(page.bytes());
            if left < RECORD_BYTES {
                break;
            }
            let limit = PageLimit { items: READ_ITEMS, bytes: left };
            let next = self.read(store, selectors, &part, limit, &mut page).await?;
            if let Some(after) = next {
                self.after = after;
            } else {
                self.parts.pop_front();
                self.after = After::default();
            }
        }
        Ok(Some(page))
    }

    /// Reads on in a part; answers where to go on, if there is more.
    async fn read(
        &self,
        store: &dyn Store,
        selectors: &Selectors,
        part: &Part,
        limit: PageLimit,
        page: &mut SnapshotPage,
    ) -> Result<Option<After>, Error> {
        let after = &self.after;
        match part {
            Part::Rooms(domain) => {
                let rooms = store.rooms(domain.as_ref(), after.room.as_ref(), limit).await?;
                page.rooms.extend(rooms.items);
                Ok(rooms.next.map(|room| After { room: Some(room), ..After::default() }))
            }
            Part::Definitions(domain) => {
                let definitions =
                    store.all_definitions(domain.as_ref(), after.definition(), limit).await?;
                let items = definitions.items.into_iter();
                page.definitions.extend(items.map(|((room, _), definition)| (room, definition)));
                Ok(definitions.next.map(|(room, hat)| After {
                    room: Some(room),
                    hat: Some(hat),
                    user: None,
                }))
            }
            Part::Documents(domain) => {
                let documents =
                    store.all_documents(domain.as_ref(), after.document(), limit).await?;
                let items = documents.items.into_iter();
                page.users.extend(items.map(|((room, user), document)| (room, user, document)));
                Ok(documents.next.map(|(room, user)| After {
                    room: Some(room),
                    user: Some(user),
                    hat: None,
                }))
            }
            Part::Room(room) => {
                let state = store.room(room).await?;
                page.rooms.extend(state.map(|state| (room.clone(), state.room)));
                Ok(None)
            }
            Part::RoomDefinitions(room) => {
                let (_, definitions) = store.definitions(room, after.hat.as_ref(), limit).await?;
                let items = definitions.items.into_iter();
                page.definitions.extend(items.map(|(_, definition)| (room.clone(), definition)));
                Ok(definitions.next.map(|hat| After { hat: Some(hat), ..After::default() }))
            }
            Part::RoomDocuments(room) => {
                let filter = &DocumentFilter::HATS;
                let (_, documents) =
                    store.documents(room, filter, after.user.as_ref(), limit).await?;
                let items = documents.items.into_iter();
                page.users.extend(items.map(|(user, document)| (room.clone(), user, document)));
                Ok(documents.next.map(|user| After { user: Some(user), ..After::default() }))
            }
            Part::Document(room, user) => {
                let (_, document) = store.document(room, user).await?;
                if document.has_hats() {
                    page.users.push((room.clone(), user.clone(), document));
                }
                Ok(None)
            }
            Part::UserDocuments(user) => {
                let documents = store.documents_of(user, after.room.as_ref(), limit).await?;
                let once = documents
                    .items
                    .into_iter()
                    .filter(|(room, _)| !selectors.comes_otherwise(room, user));
                page.users.extend(once.map(|(room, document)| (room, user.clone(), document)));
                Ok(documents.next.map(|room| After { room: Some(room), ..After::default() }))
            }
        }
    }
}
