//! How much of everything there may be.

/// The bounds that hatd holds its callers to. At a bound a request works; one past it, it is
/// refused.
///
/// The operator can set each of them. [`Limits::default`] gives those that the API documents; where
/// no source is named, the figure is our choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest hat id, in bytes. As long as a part of a JID (RFC 7622, section 3.3).
    pub hat_id_bytes_max: usize,
    /// Longest title of an attachment or a definition, in bytes of UTF-8. XEP-0317 sets none.
    pub title_bytes_max: usize,
    /// Most localised titles of one definition.
    pub localised_titles_max: usize,
    /// Longest description of a definition, in bytes of UTF-8.
    pub description_bytes_max: usize,
    /// Longest `context.actor`, in bytes of UTF-8. As long as a part of a JID (RFC 7622, section
    /// 3.3).
    pub actor_bytes_max: usize,
    /// Longest `context.reason`, in bytes of UTF-8.
    pub reason_bytes_max: usize,
    /// Longest `request_id`, in bytes. A UUID, as AIP-155 recommends, takes 36.
    pub request_id_bytes_max: usize,
    /// Most hats of one user in one room.
    pub hats_per_user_max: usize,
    /// Largest document, in bytes as [`Document::size_bytes`](crate::hat::Document::size_bytes)
    /// counts them.
    pub document_bytes_max: usize,
    /// Most definitions in the catalogue of one room.
    pub definitions_per_room_max: usize,
    /// Most operations of one commit: those of `UpdateRoomHats`; elsewhere, users whose hats
    /// change.
    pub operations_per_commit_max: usize,
    /// Largest commit, in bytes as encoded for watchers.
    pub commit_bytes_max: usize,
    /// Most users that one entry of `SyncRooms` lists or removes.
    pub sync_users_max: usize,
    /// Most entries of one `SyncRooms`.
    pub sync_entries_max: usize,
    /// Most users that one `SetHatWearers` lists.
    pub wearers_listed_max: usize,
    /// Most selectors of one watch.
    pub selectors_per_watch_max: usize,
    /// Most watches that one caller has open.
    pub watches_per_caller_max: usize,
    /// Most watches open in all.
    pub watches_max: usize,
    /// Items of a page for which the caller names no size.
    pub page_size_default: usize,
    /// Most items of a page. A larger size asked for is refused.
    pub page_size_max: usize,
    /// Largest page, in bytes as encoded. A page ends early rather than pass it.
    pub page_bytes_max: usize,
    /// Largest message received, in bytes as encoded. The default of gRPC libraries.
    pub message_bytes_max: usize,
    /// Most request metadata, in bytes: the header list of one request, as HTTP/2 counts it
    /// (RFC 9113, section 6.5.2).
    pub metadata_bytes_max: usize,
}

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

impl Default for Limits {
    fn default() -> Self {
        Self {
            hat_id_bytes_max: 1023,
            title_bytes_max: 256,
            localised_titles_max: 32,
            description_bytes_max: 1024,
            actor_bytes_max: 1023,
            reason_bytes_max: 256,
            request_id_bytes_max: 64,
            hats_per_user_max: 64,
            document_bytes_max: 64 * KIB,
            definitions_per_room_max: 256,
            operations_per_commit_max: 500,
            commit_bytes_max: MIB,
            sync_users_max: 10_000,
            sync_entries_max: 10_000,
            wearers_listed_max: 10_000,
            selectors_per_watch_max: 1000,
            watches_per_caller_max: 10_000,
            watches_max: 50_000,
            page_size_default: 100,
            page_size_max: 1000,
            page_bytes_max: MIB,
            message_bytes_max: 4 * MIB,
            metadata_bytes_max: 16 * KIB,
        }
    }
}
