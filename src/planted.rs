//! Mistakes that a debug build makes when it is told to, so that the tests can show that they
//! find them. A release build has none of this.

/// A mistake that a test must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Bug {
    /// The log is not synced.
    AnswerBeforeSync,
    /// Watches are shown commits before these are durable.
    PublishBeforeSync,
    /// Two commits in a row have the same revision.
    RevisionRepeats,
    /// A request id is known only as long as the batch that it came with.
    RequestsForgotten,
    /// Checkpoints, and what the state is made again from, lack the last commit.
    RebuildMissesLast,
    /// A checkpoint takes the place of the one before it when it is not durable yet.
    CheckpointUnsynced,
    /// A restored store goes on with the history that was backed up.
    EpochKept,
    /// A sync of the log that failed is tried again.
    SyncRetried,
    /// The checksums of the log are not looked at.
    ChecksumsIgnored,
    /// Writes are answered before they are durable or can be read.
    AnswerBeforeCommit,
    /// Etags are not looked at.
    EtagsIgnored,
    /// Preconditions are not looked at.
    PreconditionsIgnored,
    /// Of several operations in one request only the first is done.
    UpdateInPart,
    /// A write that changes nothing is committed.
    UnchangedCommitted,
    /// An outcast keeps the hats, and has them again when it is one no more.
    OutcastKeepsHats,
    /// When a hat ends, the user's other hats end with it.
    ExpiryTakesAll,
    /// A room that is made again after it was deleted has the catalogue that it had.
    DeletedRoomKeepsCatalogue,
    /// The attachment before a change is not told.
    PreviousMissing,
    /// A watch misses a commit when several have come since it last looked.
    WatchSkipsCommit,
    /// A watch that resumes begins at its token, not after it.
    ResumeRepeats,
    /// A watch is shown a commit in two.
    CommitSplit,
    /// A bookmark says that a watch has come further than it has.
    BookmarkAhead,
    /// A watch is not told of a document's last hat when it goes.
    RemovalsHidden,
    /// A watch of a user is told of users whose name begins like that.
    SelectorTooWide,
}

/// Whether the environment asks this process for a bug: `HATD_TEST_BUG=answer-before-sync`.
#[cfg(debug_assertions)]
pub(crate) fn has(bug: Bug) -> bool {
    use std::sync::LazyLock;

    use clap::ValueEnum as _;

    static PLANTED: LazyLock<Option<Bug>> = LazyLock::new(|| {
        let name = std::env::var("HATD_TEST_BUG").ok()?;
        let bug = Bug::from_str(&name, false);
        // To go on without it would pass for a bug that nobody finds.
        #[expect(clippy::panic, reason = "a test asked for what there is not")]
        let bug = bug.unwrap_or_else(|error| panic!("HATD_TEST_BUG: {error}"));
        tracing::warn!(?bug, "this hatd has a bug on purpose");
        Some(bug)
    });
    *PLANTED == Some(bug)
}

/// No: this is a release build.
#[cfg(not(debug_assertions))]
pub(crate) const fn has(_bug: Bug) -> bool {
    false
}
