//! Pages of lists.

use crate::hat::{Document, HatDefinition, HatId};

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<K, V> {
    /// The items, by key.
    pub items: Vec<(K, V)>,
    /// The key after which the next page begins; none if there is nothing more. It
    /// need not be an item: a page may end early among items that a filter leaves out.
    pub next: Option<K>,
}

/// Where a page ends at the latest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit {
    /// How many items.
    pub items: usize,
    /// How many bytes as encoded for clients, at most, by [`document_bytes`] and its
    /// like. The first item is there even if it is larger.
    pub bytes: usize,
}

/// Which documents of a room are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentFilter {
    /// Those with an affiliation other than none.
    Affiliated,
    /// Those with hats.
    Hats {
        /// With this hat.
        hat_id: Option<HatId>,
        /// With a hat that is worn; with `hat_id`, that one.
        active_only: bool,
    },
}

impl DocumentFilter {
    /// All documents with hats.
    pub const HATS: Self = Self::Hats { hat_id: None, active_only: false };

    /// Whether the document is listed.
    pub fn matches(&self, document: &Document) -> bool {
        match self {
            Self::Affiliated => document.affiliation != crate::hat::Affiliation::None,
            Self::Hats { hat_id: None, active_only: false } => document.has_hats(),
            Self::Hats { hat_id: None, active_only: true } => {
                document.hats.values().any(|attachment| attachment.active)
            }
            Self::Hats { hat_id: Some(hat), active_only } => {
                document.hats.get(hat).is_some_and(|attachment| attachment.active || !active_only)
            }
        }
    }
}

/// How many records a page looks at before it ends, whatever a filter leaves of them.
/// Our choice: a few milliseconds of reading.
pub(super) const SCANNED_PER_PAGE: usize = 10_000;

/// Bytes of keys, lengths, numbers and times around the strings of a record as
/// encoded for clients: more than protobuf ever takes.
const FRAMING_BYTES: usize = 128;

/// The most that a document takes as encoded for clients.
pub fn document_bytes(key_bytes: usize, document: &Document) -> usize {
    key_bytes + FRAMING_BYTES + document.size_bytes() + document.hats.len() * FRAMING_BYTES
}

/// The most that a definition takes as encoded for clients.
pub fn definition_bytes(key_bytes: usize, definition: &HatDefinition) -> usize {
    let titles = definition
        .titles
        .iter()
        .map(|(language, title)| language.as_str().len() + title.as_str().len() + FRAMING_BYTES);
    let title = definition.title.as_ref().map_or(0, |title| title.as_str().len());
    let description = definition.description.len();
    key_bytes + FRAMING_BYTES + title + description + titles.sum::<usize>()
}

/// The most that a room takes as encoded for clients.
pub fn room_bytes(key_bytes: usize) -> usize {
    key_bytes + FRAMING_BYTES
}

/// Fills a page from items in key order.
pub(super) struct Filler<K, V> {
    limit: PageLimit,
    scanned: usize,
    bytes: usize,
    page: Page<K, V>,
    /// The last key looked at, if the page ended there.
    last: Option<K>,
}

impl<K: Clone, V> Filler<K, V> {
    pub(super) fn new(limit: PageLimit) -> Self {
        let page = Page { items: Vec::new(), next: None };
        Self { limit, scanned: 0, bytes: 0, page, last: None }
    }

    /// Takes the next item, or leaves it out if it does not match; `bytes` is its size.
    /// Returns whether the page ends before it.
    pub(super) fn is_full(&mut self, key: &K, matching: Option<(V, usize)>) -> bool {
        let full = self.page.items.len() >= self.limit.items || self.scanned >= SCANNED_PER_PAGE;
        let bytes = self.bytes + matching.as_ref().map_or(0, |(_, bytes)| *bytes);
        if full || (bytes > self.limit.bytes && !self.page.items.is_empty()) {
            self.page.next = self.last.take();
            return true;
        }
        self.scanned += 1;
        self.bytes = bytes;
        self.last = Some(key.clone());
        if let Some((value, _)) = matching {
            self.page.items.push((key.clone(), value));
        }
        false
    }

    pub(super) fn finish(self) -> Page<K, V> {
        self.page
    }
}
