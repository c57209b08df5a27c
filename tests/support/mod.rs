//! What several tests need.

pub(crate) mod commands;
pub(crate) mod harness;
pub(crate) mod random;
pub(crate) mod reads;
pub(crate) mod toolchain;
pub(crate) mod world;

use hatd::limits::Limits;
use hatd::time::Timestamp;
use tokio::sync::RwLock;

/// Held together by tests that keep every processor busy, and alone by one that bounds a time.
pub(crate) static BUSY: RwLock<()> = RwLock::const_new(());

/// When the tests' clocks start: any time that can move a few years either way.
pub(crate) const START_SECONDS: i64 = 1_800_000_000;

/// A time, in seconds from the start of the tests' clocks.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::new(START_SECONDS + seconds, 0).unwrap()
}

/// Limits so small that random commands reach them.
pub(crate) fn small_limits() -> Limits {
    Limits {
        hats_per_user_max: 3,
        document_bytes_max: 180,
        definitions_per_room_max: 2,
        operations_per_commit_max: 2,
        sync_users_max: 3,
        ..Limits::default()
    }
}

/// What a task said when it panicked; nothing if it did not.
pub(crate) async fn failure<T: Send + 'static>(
    task: impl Future<Output = T> + Send + 'static,
) -> Option<String> {
    let panic = tokio::spawn(task).await.err()?.into_panic();
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap())
}
